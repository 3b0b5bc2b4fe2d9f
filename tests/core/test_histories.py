"""Arbitrary histories of a run: whatever happens, in whatever order, the promises hold (R1, R5, R7, R16)."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.core.call import MAY_HAVE_RUN, OPEN, CallState
from bot.core.effects import CallModel, Expire, Recover, StartAction
from bot.core.events import (
    AttemptFailed,
    CallRefused,
    Cancelled,
    CardShown,
    Delivered,
    Doubted,
    Edited,
    Event,
    Expired,
    Finished,
    FreezeNoted,
    Inquired,
    Restored,
    Reviewed,
    RunFailed,
    Settled,
    Started,
    Tightened,
    Withdrawn,
)
from bot.core.glass import BY_GLASS
from bot.core.journal import fold
from bot.core.owed import due_at, pending
from bot.core.run import ENDS
from bot.core.terms import stricter
from bot.core.values import Answer, ApprovalId, CallId, Choice, Ground, Person, Verdict
from tests.core.runs import ALICE, BOB, CAROL, LATE, NOON, RUN, Story, judged, proposal, replied, said, story, voted

PEOPLE = st.sampled_from([ALICE, BOB, CAROL])
SLOTS = st.integers(1, 6)


class History(RuleBasedStateMachine):
    """Events are thrown at a run, legal or not; time goes forward, past every expiry."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Story = story()
        self.now = NOON
        self.starts: dict[str, int] = {}
        self.dead: set[str] = set()
        self.found: dict[str, object] = {}
        self.messages = 0

    def call(self, slot: int) -> CallId:
        calls = self.told.run.calls
        return calls[slot % len(calls)].proposal.call if calls else CallId("t1c1")

    def throw(self, event: Event) -> None:
        before = self.told.run
        if self.told.try_to(event, at=self.now) is not None:
            assert self.told.run == before, "a refused event changed something"

    @rule(count=st.integers(0, 3), valid=st.booleans(), late=st.booleans())
    def the_model_replies(self, count: int, valid: bool, late: bool) -> None:
        run = self.told.run
        turn = len(run.turns) + 1
        proposals = [proposal(f"t{turn}c{n}", valid=valid or n > 1) for n in range(count)]
        self.throw(replied(*proposals, text="words", heard=max(1, len(run.said) - late)))

    @rule(slot=SLOTS, verdict=st.sampled_from(Verdict), unclear=st.booleans(), quorum=st.integers(1, 2))
    def the_guard_answers(self, slot: int, verdict: Verdict, unclear: bool, quorum: int) -> None:
        self.throw(judged(self.call(slot), verdict, needs_context=unclear and verdict is Verdict.ASK, quorum=quorum))

    @rule(slot=SLOTS, person=PEOPLE, choice=st.sampled_from(Choice), message=st.sampled_from(["card", "card", "old"]))
    def somebody_clicks(self, slot: int, person: object, choice: Choice, message: str) -> None:
        self.throw(voted(choice, self.call(slot), person, message))

    @rule(slot=SLOTS)
    def the_card_is_shown(self, slot: int) -> None:
        call = self.told.run.call(self.call(slot))
        self.throw(CardShown(self.call(slot), "C0OPS", "card", (call and call.phase) or ""))

    @rule(slot=SLOTS, attempt=st.sampled_from(["a", "b"]))
    def a_worker_starts(self, slot: int, attempt: str) -> None:
        name = self.call(slot)
        length = self.told.run.length
        self.throw(Started(name, attempt, "worker"))
        if self.told.run.length > length:
            self.starts[name] = self.starts.get(name, 0) + 1

    @rule(slot=SLOTS, attempt=st.sampled_from(["a", "b"]), ok=st.booleans())
    def an_action_ends(self, slot: int, attempt: str, ok: bool) -> None:
        self.throw(Finished(self.call(slot), attempt, ok, "{}", 0.1))

    @rule(slot=SLOTS, attempt=st.sampled_from(["a", "b"]))
    def a_worker_is_found_dead(self, slot: int, attempt: str) -> None:
        self.throw(Doubted(self.call(slot), attempt, ApprovalId("q")))

    @rule(slot=SLOTS, answer=st.sampled_from(Answer), person=st.sampled_from([CAROL, None]))
    def somebody_knows_what_happened(self, slot: int, answer: Answer, person: Person | None) -> None:
        self.throw(Settled(self.call(slot), answer, person))

    @rule(slot=SLOTS, ground=st.sampled_from(Ground))
    def a_call_is_refused(self, slot: int, ground: Ground) -> None:
        self.throw(CallRefused(self.call(slot), ground, "because"))

    @rule(slot=SLOTS)
    def somebody_edits(self, slot: int) -> None:
        name = self.call(slot)
        self.throw(Edited(name, replace(proposal(f"{name}e"), wire=f"wire_{name}"), CAROL))

    @rule(slot=SLOTS, person=PEOPLE)
    def somebody_asks_first(self, slot: int, person: Person) -> None:
        self.throw(Inquired(ApprovalId(f"ap_{self.call(slot)}"), person, "Why?", "card"))

    @rule(slot=SLOTS, person=PEOPLE, reason=st.sampled_from(["site is down", " "]))
    def somebody_decides_alone(self, slot: int, person: Person, reason: str) -> None:
        self.throw(replace(voted(call=self.call(slot), person=person), via=BY_GLASS, comment=reason, review_at=LATE))

    @rule(slot=SLOTS, person=PEOPLE)
    def somebody_reviews_it(self, slot: int, person: Person) -> None:
        self.throw(Reviewed(ApprovalId(f"ap_{self.call(slot)}"), person))

    @rule(slot=SLOTS, scope=st.sampled_from(["all", ""]))
    def the_card_must_tell_of_a_freeze(self, slot: int, scope: str) -> None:
        self.throw(FreezeNoted(self.call(slot), scope, "U0ERIN", self.now, "incident 7"))

    @rule(slot=SLOTS)
    def the_requester_withdraws(self, slot: int) -> None:
        self.throw(Withdrawn(ApprovalId(f"ap_{self.call(slot)}"), ALICE, "card"))

    @rule(slot=SLOTS, quorum=st.integers(1, 3), wanted=st.booleans(), void=st.lists(PEOPLE, max_size=2))
    def the_policy_is_another(self, slot: int, quorum: int, wanted: bool, void: list[Person]) -> None:
        """Stricter terms or milder ones: only the stricter count."""
        call = self.told.run.call(self.call(slot))
        if call is not None and call.approval is not None:
            old = call.approval.terms
            new = replace(old, quorum=quorum, comment_required=wanted)
            self.throw(Tightened(old.approval, new, "seal", tuple(person.user for person in void)))
            after = self.told.run.call(self.call(slot))
            assert after is not None and after.approval is not None and not stricter(old, after.approval.terms)

    @rule(slot=SLOTS)
    def an_approval_expires(self, slot: int) -> None:
        self.throw(Expired(ApprovalId(f"ap_{self.call(slot)}")))

    @rule(person=PEOPLE)
    def somebody_writes(self, person: object) -> None:
        self.messages += 1
        self.throw(said("words", person, f"m{self.messages}"))

    @rule(key=st.sampled_from(["model:1", "judge:t1c1", "card:t1c1", "reply:1"]))
    def an_effect_fails(self, key: str) -> None:
        self.throw(AttemptFailed(key, "500", self.now + 2.0))

    @rule()
    def the_oldest_reply_is_delivered(self) -> None:
        number = next((n for n in range(1, 9) if not self.told.run.delivered(f"reply:{n}")), 1)
        self.throw(Delivered(f"reply:{number}", "ts"))

    @rule(seconds=st.sampled_from([1.0, 60.0, LATE]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: len(self.told.journal) > 12)
    @rule(end=st.sampled_from([Cancelled(ALICE), RunFailed("given up")]))
    def the_run_is_ended(self, end: Event) -> None:
        self.throw(end)

    @precondition(lambda self: len(self.told.journal) > 12)
    @rule()
    def the_database_was_restored(self) -> None:
        for call in self.told.run.calls:
            if call.state in MAY_HAVE_RUN:
                self.throw(Doubted(call.proposal.call, call.attempt, ApprovalId(f"q_{call.proposal.call}")))
        self.throw(Restored(1, "restored"))
        assert self.told.run.state in ENDS

    @invariant()
    def a_call_starts_at_most_once_and_never_from_a_dead_state(self) -> None:
        assert all(count == 1 for count in self.starts.values())
        for call in self.told.run.calls:
            if call.state is CallState.REFUSED:
                assert call.proposal.call not in self.starts

    @invariant()
    def what_started_was_allowed_or_approved_by_its_quorum(self) -> None:
        for call in self.told.run.calls:
            if call.proposal.call not in self.starts:
                continue
            if call.approval is None:
                assert not call.must_ask
                assert call.judgement is not None and call.judgement.verdict is Verdict.ALLOW
            else:
                approvals = [vote for vote in call.approval.votes if vote.choice is Choice.APPROVE]
                alone = [vote for vote in approvals if vote.via == BY_GLASS and vote.comment.strip()]
                assert alone or len({vote.person for vote in approvals}) >= call.approval.terms.quorum

    @invariant()
    def what_was_decided_alone_stays_with_the_run_and_somebody_else_reviews_it(self) -> None:
        run = self.told.run
        votes = [vote for call in run.calls if call.approval for vote in call.approval.votes if vote.via == BY_GLASS]
        assert len(run.broken) >= len(votes) and all(each.reviewed_by != each.person for each in run.broken)

    @invariant()
    def what_somebody_found_stands_whatever_is_reported_later(self) -> None:
        for call in self.told.run.calls:
            if call.found is not None:
                told = (call.state, call.outcome, call.output, call.settled)
                assert self.found.setdefault(call.proposal.call, told) == told

    @invariant()
    def the_model_is_called_only_when_every_call_has_an_output(self) -> None:
        if any(isinstance(effect, CallModel) for effect in pending(self.told.run)):
            assert all(call.answered for call in self.told.run.calls)

    @invariant()
    def an_ended_run_starts_nothing_and_leaves_nothing_open(self) -> None:
        run = self.told.run
        if run.state in ENDS:
            assert not any(isinstance(effect, StartAction | CallModel | Expire) for effect in pending(run))
            assert not any(call.state in OPEN for call in run.calls)

    @invariant()
    def a_run_that_is_not_at_its_end_always_owes_something(self) -> None:
        run = self.told.run
        if run.state not in ENDS:
            assert due_at(run) is not None

    @invariant()
    def a_started_action_without_an_end_is_owed_its_recovery(self) -> None:
        run = self.told.run
        started = {call.proposal.call for call in run.calls if call.state is CallState.STARTED}
        assert {effect.call for effect in pending(run) if isinstance(effect, Recover)} == started

    @invariant()
    def the_journal_tells_the_same_run_again(self) -> None:
        assert fold(RUN, self.told.journal) == self.told.run


TestHistories = History.TestCase
TestHistories.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
