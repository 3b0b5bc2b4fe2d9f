"""Nothing starts that was not approved as it is stored: every value that an approval binds is changed, one at a time (R6, S8, S31)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.core.approval import seal, vote_text
from bot.core.call import Call
from bot.core.events import CardShown, Edited, ModelReplied
from bot.core.policy import Defaults, Denials, Match, Policy, Rule
from bot.core.run import Run
from bot.core.timing import Dated
from bot.core.values import ApprovalId, CallId, Choice, Ground, Judgement, Person, Place, Quorum, Share, Verdict
from bot.engine.starting import judged, reason_to_ask_anew, refusal_to_start, texts_of
from bot.engine.voting import sealed
from bot.ports import Freeze, Wish
from tests.core.runs import CAROL, NOON, story, voted
from tests.engine.world import World

KEY, OLD_KEY = b"k" * 32, b"o" * 32
KEYS = (KEY, OLD_KEY)
POLICY = Policy(Defaults(approvers=("user:U0CAROL",)))


def approved(verdict: Verdict = Verdict.ASK, key: bytes = KEY) -> tuple[World, Run, Call]:
    """A run whose one call may start: approved by Carol, or allowed by the guard."""
    world = World()
    wish = Wish("wire", "grant_access", '{"user_id": "bob", "group": "admins"}')
    proposal = asyncio.run(world.registry.propose("t1c1", wish, Person("T1", "U0ALICE")))
    told = story(ModelReplied("[]", "", (proposal,), 1))
    judgement, new = Judgement(verdict, "because", "BIGHUB"), ApprovalId("ap_t1c1")
    run = told.tell(judged(told.run, told.run.calls[0], judgement, POLICY, new, NOON, key))
    if verdict is Verdict.ASK:
        told.tell(CardShown(proposal.call, "C0OPS", "card", "asking"))
        asked: Any = run.calls[0].approval
        run = told.tell(sealed(replace(voted(), covers=1), run, asked, NOON, key))
    return world, run, run.calls[0]


def of_before(run: Run, call: Call, *, risk: bool = True) -> Call:
    """The same call as an older release has sealed it, not (or not even the ``risk``, either) when, where and with what words."""
    approval: Any = call.approval
    judgement: Any = replace(call.judgement, covers=0) if call.judgement else None
    binding: Any = call.proposal.binding
    text = texts_of(run, call, judgement, binding, approval.terms if approval else None)[0 if risk else 1]
    call = replace(call, judgement=replace(judgement, seal=seal(KEY, text)))
    if approval is None:
        return call
    marks = (vote_text(run.id, approval, v.person, v.choice, v.via, v.counts_as) for v in approval.votes)
    votes = tuple(replace(v, seal=seal(KEY, m), covers=0) for v, m in zip(approval.votes, marks, strict=True))
    return replace(call, approval=replace(approval, votes=votes))


def refusal(
    world: World,
    run: Run,
    call: Call,
    *,
    policy: Policy = POLICY,
    freezes: tuple[Freeze, ...] = (),
    now: float = NOON,
) -> Any:
    return refusal_to_start(run, call, freezes=freezes, policy=policy, actions=world.registry, keys=KEYS, now=now)


def resealed(run: Run, call: Call) -> Call:
    """The call with its votes as they would have been sealed under its terms."""
    approval: Any = call.approval
    marks = (vote_text(run.id, approval, v.person, v.choice, v.via, v.counts_as, v.given) for v in approval.votes)
    votes = tuple(replace(v, seal=seal(KEY, mark)) for v, mark in zip(approval.votes, marks, strict=True))
    return replace(call, approval=replace(approval, votes=votes))


@pytest.mark.parametrize("verdict", [Verdict.ASK, Verdict.ALLOW])
def test_what_was_approved_or_allowed_starts_also_under_the_key_before_the_present_one(verdict: Verdict) -> None:
    assert refusal(*approved(verdict)) is None
    assert refusal(*approved(verdict, OLD_KEY)) is None
    assert refusal(*approved(verdict, b"x" * 32)).ground is Ground.SUPERSEDED


@pytest.mark.parametrize("risk", [True, False])
@pytest.mark.parametrize("verdict", [Verdict.ASK, Verdict.ALLOW])
def test_s31_r13_what_was_approved_or_allowed_before_the_upgrade_starts_after_it(verdict: Verdict, risk: bool) -> None:
    world, run, call = approved(verdict)
    assert refusal(world, run, of_before(run, call, risk=risk)) is None


def test_s31_what_an_older_release_sealed_starts_nothing_once_its_question_has_expired() -> None:
    """Until then whoever writes the database may move when it was approved: that much an old seal leaves open."""
    _, run, call = approved()
    old, soon = of_before(run, call), stricter(execute_within=60)
    ends = call.approval.terms.expires_at
    moved = with_vote(at=ends - 1.0)(
        run, with_approval(lambda each: replace(each, resolved_at=ends - 1.0))(run, old)[1]
    )
    assert "did not run within" in reason_to_ask_anew(run, old, soon, KEYS, NOON + 60.0)
    assert reason_to_ask_anew(*moved, soon, KEYS, ends - 0.5) == ""
    assert "expired" in reason_to_ask_anew(*moved, soon, KEYS, ends)


def edited_by_eve(call: Call) -> Call:
    """What Eve would have changed into the call."""
    before = replace(call.proposal, call=CallId("t1c0"))
    return replace(call, proposal=before, instead=Edited(before.call, call.proposal, Person("T1", "U0EVE")))


def with_binding(**changes: object) -> Callable[[Run, Call], tuple[Run, Call]]:
    def tamper(run: Run, call: Call) -> tuple[Run, Call]:
        binding = replace(call.proposal.binding, **changes)
        return run, replace(call, proposal=replace(call.proposal, binding=binding))

    return tamper


def with_approval(change: Callable[[Any], Any]) -> Callable[[Run, Call], tuple[Run, Call]]:
    return lambda run, call: (run, replace(call, approval=change(call.approval)))


def with_vote(**changes: object) -> Callable[[Run, Call], tuple[Run, Call]]:
    return with_approval(lambda approval: replace(approval, votes=(replace(approval.votes[0], **changes),)))


def with_terms(**changes: object) -> Callable[[Run, Call], tuple[Run, Call]]:
    return with_approval(lambda approval: replace(approval, terms=replace(approval.terms, **changes)))


TAMPERINGS = {
    "the arguments": with_binding(arguments='{"group":"root","user_id":"bob"}'),
    "the digest": with_binding(digest="0" * 64),
    "the target": with_binding(target="elsewhere"),
    "the definition": with_binding(definition="0" * 64),
    "the action": lambda run, call: (run, replace(call, proposal=replace(call.proposal, action="look"))),
    "the requester": lambda run, call: (replace(run, asked=replace(run.asked, person=Person("T1", "U0EVE"))), call),
    "the run": lambda run, call: (replace(run, id="another run"), call),
    "the approval's digest": with_approval(lambda approval: replace(approval, digest="0" * 64)),
    "when people were asked": with_approval(lambda approval: replace(approval, opened_at=NOON + 1.0)),
    "where it was asked": lambda run, call: (replace(run, asked=replace(run.asked, place=Place("T1", "C0QUIET", "1"))), call),
    "who changed the arguments": lambda run, call: (replace(run, calls=(*run.calls, edited_by_eve(call))), replace(call, edits="t1c0")),
    "the approval's id": with_terms(approval="another"),
    "the quorum": with_terms(quorum=0),
    "the expiry": with_terms(expires_at=9e9),
    "the approvers": with_terms(approvers=("user:U0EVE",)),
    "whether the requester may": with_terms(requester_may_approve=True),
    "the demands": with_terms(quorums=(Quorum(("user:U0CAROL",), 1),)),
    "the comment": with_terms(comment_required=True),
    "the denials": with_terms(denials=2),
    "the time to run": with_terms(execute_within=9e9),
    "the age for asking again": with_terms(recheck_after=9e9),
    "the rules": with_terms(rules=("none",)),
    "who is not enough alone": with_terms(not_alone=("U0CAROL",)),
    "as what it counts": with_vote(counts_as=("group:S0ADMINS",)),
    "the system": with_binding(system="toy"),
    "the environment": with_binding(environment="staging"),
    "the risk": with_binding(risk="low"),
    "that it only reads": with_binding(read_only=True),
    "what a crash means": with_binding(on_crash="rerun"),
    "what the card hides": with_binding(secret=("user_id",)),
    "how the card lists": with_binding(order=("user_id",)),
    "how it was voted": with_vote(via="shell"),
    "when it was voted": with_vote(at=NOON + 1.0),
    "what was said with the vote": with_vote(comment="incident 7"),
    "that the vote's seal is of before": with_vote(covers=0),
    "that the judgement's seal is of before": lambda run, call: (run, replace(call, judgement=replace(call.judgement, covers=0))),
    "the voter": with_vote(person=Person("T1", "U0EVE")),
    "the choice": with_vote(choice=Choice.DENY),
    "the seal": with_vote(seal="12345678:00"),
    "what the guard said of the risk": lambda run, call: (run, replace(call, judgement=replace(call.judgement, risk=0.1))),
    "no votes at all": with_approval(lambda approval: replace(approval, votes=())),
    "no approval at all": lambda run, call: (run, replace(call, approval=None)),
    "an allowance instead": lambda run, call: (
        run,
        replace(call, approval=None, judgement=replace(call.judgement, verdict=Verdict.ALLOW, seal=call.approval.votes[0].seal)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_changed_row_never_starts(what: str) -> None:
    world, run, call = approved()
    assert refusal(world, *TAMPERINGS[what](run, call)).ground is Ground.SUPERSEDED


def test_s31_terms_that_became_stricter_start_nothing_unless_they_and_those_before_are_sealed() -> None:
    world, run, call = approved()
    old, binding = call.approval.terms, call.proposal.binding
    new = replace(old, execute_within=9e9)
    (mark,) = (seal(KEY, text) for text in texts_of(run, call, call.judgement, binding, new))
    tightened = replace(call, approval=replace(call.approval, terms=new, earlier=(old,), seals=(mark,)))
    assert refusal(world, run, tightened) is None
    for changes in (
        {"seals": ("12345678:00",)},
        {"terms": replace(new, quorum=0)},
        {"earlier": (replace(old, quorum=0),)},
    ):
        changed = replace(tightened, approval=replace(tightened.approval, **changes))
        assert refusal(world, run, changed).ground is Ground.SUPERSEDED


def test_an_allowance_does_not_serve_for_another_call() -> None:
    world, run, call = approved(Verdict.ALLOW)
    other = replace(call, proposal=replace(call.proposal, call="t1c2"))
    assert refusal(world, run, other).ground is Ground.SUPERSEDED


def test_a_freeze_of_the_system_the_environment_or_everything_refuses_and_of_another_system_does_not() -> None:
    world, run, call = approved()
    for scope in ("all", "system:okta", "environment:production"):
        assert refusal(world, run, call, freezes=(Freeze(scope, "incident", "U0ERIN", 0.0),)).ground is Ground.FROZEN
    assert refusal(world, run, call, freezes=(Freeze("system:vault", "incident", "U0ERIN", 0.0),)) is None


@pytest.mark.parametrize("scope", ["System:OKTA", "environment:Production", "ALL"])
def test_a_freeze_holds_whatever_its_letters(scope: str) -> None:
    assert refusal(*approved(), freezes=(Freeze(scope, "incident", "U0ERIN", 0.0),)).ground is Ground.FROZEN


def stricter(**changes: object) -> Policy:
    return Policy(POLICY.defaults, (Rule("now", Match(system=("okta",)), **changes),))


def test_a_stricter_policy_or_an_expired_approval_asks_people_anew_and_the_same_policy_does_not() -> None:
    _, run, call = approved()
    assert reason_to_ask_anew(run, call, POLICY, KEYS, NOON) == ""
    assert "2 approvals" in reason_to_ask_anew(run, call, stricter(quorum=2), KEYS, NOON)
    assert "expired" in reason_to_ask_anew(run, call, POLICY, KEYS, NOON + 14_400.0)
    _, run, call = approved(Verdict.ALLOW)
    assert reason_to_ask_anew(run, call, POLICY, KEYS, NOON) == ""
    assert "wants a person" in reason_to_ask_anew(run, call, stricter(verdict=Verdict.ASK), KEYS, NOON)


def test_a_policy_that_forbids_it_now_refuses() -> None:
    world, run, call = approved()
    forbids = Policy(POLICY.defaults, (Rule("closed", Match(system=("okta",)), Verdict.DENY),))
    assert refusal(world, run, call, policy=forbids).ground is Ground.BLOCKED


def test_r7_in_a_freeze_window_nothing_starts_and_outside_it_does() -> None:
    world, run, call = approved()
    begins = Dated("1970-01-01T00:00", "1970-01-01T00:10", "UTC", "early in 1970")
    calm = Policy(POLICY.defaults, (Rule("calm", windows=(begins,)),))
    frozen = refusal(world, run, call, policy=calm, now=599.0)
    assert (frozen.ground, frozen.reason) == (
        Ground.FROZEN,
        'Nothing changes early in 1970 (UTC): rule "calm" of policy.yml.',
    )
    assert refusal(world, run, call, policy=calm, now=600.0) is None


def test_r7_an_approval_that_has_not_run_within_its_time_lapses() -> None:
    _, run, call = approved()
    soon = stricter(execute_within=60)
    assert reason_to_ask_anew(run, call, soon, KEYS, NOON + 59.0) == ""
    assert "did not run within the time" in reason_to_ask_anew(run, call, soon, KEYS, NOON + 60.0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"shares": (Share("user:U0CAROL", 1), Share("user:U0BOB", 1))}, "approvals of others"),
        ({"approvers": ("user:U0BOB",)}, "approvals of others"),
        ({"comment_required": True}, "a comment with each approval"),
        ({"expires_in": 60}, "did not run within the time"),
    ],
)
def test_r20_votes_that_the_policy_of_today_does_not_find_enough_start_nothing(
    change: dict[str, object], told: str
) -> None:
    _, run, call = approved()
    assert told in reason_to_ask_anew(run, call, stricter(**change), KEYS, NOON + 120.0)


BOTH = ("user:U0CAROL", "user:U0BOB")


@pytest.mark.parametrize(
    "change", [{"quorum": 2, "approvers": BOTH}, {"approvers": ("user:U0BOB",)}], ids=["one more", "another"]
)
def test_s31_r20_a_vote_that_nobody_sealed_does_not_meet_what_the_policy_of_today_demands(
    change: dict[str, object],
) -> None:
    _, run, call = approved()
    (vote,) = call.approval.votes
    second = replace(vote, person=Person("T1", "U0BOB"), via="shell", counts_as=("user:U0BOB",))
    call = replace(call, approval=replace(call.approval, votes=(vote, second)))
    changed = stricter(**change)
    assert "approvals" in reason_to_ask_anew(run, call, changed, KEYS, NOON)
    assert reason_to_ask_anew(run, resealed(run, call), changed, KEYS, NOON) == ""


def test_r7_a_denial_that_was_not_enough_and_would_be_now_lets_nothing_start() -> None:
    _, run, call = approved()
    votes = (*call.approval.votes, replace(call.approval.votes[0], person=Person("T1", "U0BOB"), choice=Choice.DENY))
    call = replace(call, approval=replace(call.approval, terms=replace(call.approval.terms, denials=2), votes=votes))
    call = resealed(run, call)
    assert "a denial like the one that was given" in reason_to_ask_anew(run, call, POLICY, KEYS, NOON)
    three = ("user:U0CAROL", "user:U0BOB", "user:U0GUS")
    lets = Policy(replace(POLICY.defaults, approvers=three, quorum=2, denials=Denials.MAJORITY))
    call = replace(
        call, approval=replace(call.approval, votes=(*votes, replace(votes[0], person=Person("T1", "U0GUS"))))
    )
    call = resealed(run, call)
    assert reason_to_ask_anew(run, call, lets, KEYS, NOON) == ""


def test_s9_a_policy_that_excludes_the_requester_now_lets_no_vote_of_theirs_start_anything() -> None:
    _, run, call = approved()
    own = replace(run, asked=replace(run.asked, person=CAROL))
    allows = Policy(replace(POLICY.defaults, requester_may_approve=True))
    terms = replace(call.approval.terms, requester_may_approve=True)
    call = resealed(own, replace(call, approval=replace(call.approval, terms=terms)))
    assert reason_to_ask_anew(own, call, allows, KEYS, NOON) == ""
    assert "does not let the requester approve" in reason_to_ask_anew(own, call, POLICY, KEYS, NOON)


def test_a_changed_action_supersedes_what_was_approved() -> None:
    world, run, call = approved()
    other = World()
    assert refusal(other, run, call) is None
    world.registry = type(world.registry)(action for action in world.registry.actions if action.name != "grant_access")
    found = refusal(world, run, call)
    assert found.ground is Ground.SUPERSEDED and "changed or removed" in found.reason
