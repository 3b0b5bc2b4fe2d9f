"""T0: any history of a bot in one process: people, freezes, edits, stops, time that jumps, and a bot that dies within an effect and is
started anew. The door, the inbox and the doer are the product's, on the store in dicts; a step does one thing that is due (R7, R16).

What must hold is kept beside it by a model that knows nothing of runs: which approvals were given in time, by whom, for what.
What events do to a run in any order, legal or not, is `tests/core/test_histories.py`'s.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.actions import Registry, action, define
from bot.core import transcript
from bot.core.call import Call, CallState
from bot.core.effects import StartAction
from bot.core.events import Cancelled
from bot.core.inputs import Clicked, Input, Wrote
from bot.core.owed import pending
from bot.core.policy import Defaults, Policy
from bot.core.run import ENDS, Run
from bot.core.values import Judgement, Place, Proposal, Verdict
from bot.dict_store import DictStore
from bot.engine import Limits
from bot.engine.doing import Doer
from bot.engine.door import Door
from bot.engine.editing import Editing
from bot.engine.freezing import Freezer
from bot.engine.glass import Glass
from bot.engine.inbox import Inbox
from bot.engine.overseeing import Overseer
from bot.engine.parking import Parking
from bot.engine.people import People
from bot.engine.programs import Programs
from bot.engine.restoring import Restoring
from bot.engine.worker import due
from bot.ports import InboxRow, Prompt, Ran, Reply, Unavailable, Wish
from tests.engine.world import ALICE, CAROL, TEAM, ChatInMemory, GuardInMemory, ModelInMemory, WakingDispatch, saying

T = TypeVar("T")
KEYS = (b"k" * 32,)
POLICY = Policy(Defaults(approvers=(f"user:{CAROL.user}",), expires_in=3_600), open_per_person=100_000)
LIMITS = Limits(lease=10.0, first_backoff=1.0)
DAY, MOMENT = 86_400.0, 0.001
SLOTS = st.integers(0, 7)


class DiedError(BaseException):
    """The process is gone, in the middle of an effect: nothing catches this, so nothing more is written down."""


@dataclass
class Known:
    """What the model beside it knows of one approval. ``until``: when it expires."""

    mark: str
    until: float
    given: bool = False
    dead: bool = False


@dataclass
class Deeds:
    """What was really done: each mark once, and only when it might be."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class MortalActions:
    """The actions of a bot that dies right before or after one; ``dies``: "before", "after" or ""."""

    dies = ""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    async def run(self, proposal: Proposal, idempotency_key: str) -> Ran:
        if self.dies == "before":
            raise DiedError
        ran = await self._registry.run(proposal, idempotency_key)
        if self.dies == "after":
            raise DiedError
        return ran


class AnyHistory(RuleBasedStateMachine):
    """People are Alice, who asks, and Carol, who decides. Every call has a mark of its own. ``seen``: what all calls came to."""

    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now, self.marks, self.keys, self.threads, self.starts = 1_000_000.0, 0, 0, 0, 0
        self.latest = self.now
        self.deeds, self.known, self.frozen = Deeds(), dict[str, Known](), False
        self.stopped, self.edited, self.taken_back = set[str](), set[str](), Counter[str]()
        self.wants: list[str] = []
        self.inputs: dict[str, Input] = {}
        self.store = DictStore(clock=lambda: self.now)
        self.chat, self.guard, self.model = ChatInMemory(), GuardInMemory(), ModelInMemory()
        self.guard.answers = {
            "ask_first": Judgement(Verdict.ASK, "", "BIGHUB", request_id="r"),
            "never": Judgement(Verdict.DENY, "", "BIGHUB"),
        }
        self.actions = MortalActions(Registry([define(each) for each in self._actions()]))
        self.start_anew()

    def _actions(self) -> list[Any]:
        def act(name: str) -> Any:
            @action(name=name)
            async def do(mark: str) -> str:
                """Do it."""
                self._happens(name, mark)
                return "done"

            return do

        return [act("ask_first"), act("free"), act("never")]

    def _happens(self, name: str, mark: str) -> None:
        self.deeds.done[mark] += 1
        approved = any(k.mark == mark and k.given and not k.dead and self.now < k.until for k in self.known.values())
        reasons = {
            "it was done before": self.deeds.done[mark] > 1 + self.taken_back[mark],
            "it is forbidden": name == "never",
            "nobody approved it in time": not approved and (name == "ask_first" or self.taken_back[mark] > 0),
            "all is frozen": self.frozen,
            "its run was stopped": mark in self.stopped,
            "somebody changed it": mark in self.edited,
        }
        self.deeds.wrong += [f"{mark}: {why}" for why, holds in reasons.items() if holds]

    def run_now(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def start_anew(self) -> None:
        """Another process on the same store."""
        self.door, people = Door(self.store), People(self.chat, POLICY)
        dispatch = WakingDispatch()
        self.inbox = Inbox(self.store, self.door, people, self.chat, dispatch, lambda row: self.inputs[row.key], KEYS)
        editing = Editing(people, self.actions, KEYS)
        self.programs = Programs(self.store, self.door, self.inbox, people, editing, KEYS)
        self.freezer = Freezer(self.store, self.door, people, dispatch, self.actions.scopes)
        name = f"worker {self.starts}"
        self.starts += 1
        self.doer = Doer(
            door=self.door,
            model=self,
            guard=self.guard,
            chat=self.chat,
            actions=self.actions,
            people=people,
            restoring=Restoring(self.store, self.door, LIMITS),
            limits=LIMITS,
            seal_keys=KEYS,
            worker=name,
            parking=Parking(self.store, self.chat, name, lease=LIMITS.lease, programs=False),
            freezer=self.freezer,
            overseer=Overseer(self.store, self.door, dispatch, None),
            glass=Glass(self.door, people, self.chat, dispatch),
        )

    async def reply(self, prompt: Prompt) -> Reply:
        """The model: it looks whether each call that it is shown has its one output, and wants what is wanted."""
        items = [item for item in prompt.items if isinstance(item, dict)]
        self.one_output_each(items)
        if not self.wants:
            return saying("OK.")
        wishes = []
        for name in self.wants:
            self.marks += 1
            wishes.append(Wish(f"w{self.marks}", name, json.dumps({"mark": f"m{self.marks}"})))
        self.wants = []
        calls = [
            {"type": "function_call", "call_id": w.wire, "name": w.action, "arguments": w.arguments} for w in wishes
        ]
        return Reply(json.dumps(calls), "", tuple(wishes))

    def one_output_each(self, items: list[dict[str, Any]]) -> None:
        calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
        outputs = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
        if calls != outputs or len(set(calls)) != len(calls):
            self.deeds.wrong.append(f"calls {calls}, outputs {outputs}")

    # --- what there is ----------------------------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        lines = self.run_now(self.store.read(lambda tx: tx.runs(50)))
        found = [self.run_now(self.door.load(line.run))[0] for line in lines]
        return [run for run in found if run is not None]

    def calls(self, *states: CallState) -> list[tuple[Run, Call]]:
        return [(run, call) for run in self.runs() for call in run.calls if call.state in states]

    def put(self, what: Input) -> None:
        self.keys += 1
        self.inputs[f"k{self.keys}"] = what
        self.run_now(self.store.write(lambda tx: tx.put_inbox(InboxRow(f"k{self.keys}", TEAM, "event", "{}"))))

    # --- what happens -----------------------------------------------------------------------------------------------

    @rule(wants=st.lists(st.sampled_from(["ask_first", "ask_first", "free", "never"]), min_size=1, max_size=3))
    def somebody_asks(self, wants: list[str]) -> None:
        if len(self.runs()) < 4:
            self.wants = wants
            self.threads += 1
            thread = f"{self.threads}.0"
            self.put(Wrote(ALICE, Place(TEAM, "C0OPS", thread), thread, "do it", True))
            self.mail_is_worked()
            self.several_things_that_are_due_are_done(1 + len(wants))

    @rule(slot=SLOTS)
    def somebody_writes_in_a_thread(self, slot: int) -> None:
        runs = self.runs()
        if runs:
            place = runs[slot % len(runs)].asked.place
            self.keys += 1
            self.put(Wrote(ALICE, place, f"said {self.keys}", "and another thing", True))

    @rule(
        slot=SLOTS,
        choice=st.sampled_from(["approve", "approve", "deny"]),
        when=st.sampled_from(["now", "before", "at", "after"]),
    )
    def carol_clicks(self, slot: int, choice: str, when: str) -> None:
        """Also a millisecond before the approval expires, then, and one after."""
        asking = [
            (run, call) for run, call in self.calls(CallState.ASKING, CallState.REFUSED) if call.approval and call.card
        ]
        if not asking:
            return
        _, call = asking[slot % len(asking)]
        until = call.approval.terms.expires_at
        self.now = {"now": self.now, "before": until - MOMENT, "at": until, "after": until + MOMENT}[when]
        known = self.known.setdefault(call.approval.terms.approval, Known(self.mark(call), until))
        alive = call.state is CallState.ASKING and not (known.dead or known.given) and self.now < until
        self.put(Clicked(CAROL, choice, call.approval.terms.approval, "C0OPS", call.card.message))
        self.mail_is_worked()
        if alive:
            # While all is frozen she can only deny.
            known.given, known.dead = choice == "approve" and not self.frozen, choice == "deny"

    @rule()
    def mail_is_worked(self) -> None:
        for row in self.run_now(self.store.read(lambda tx: tx.open_inbox(100))):
            try:
                self.run_now(self.inbox.work(row))
            except Unavailable:
                continue

    @rule(slot=SLOTS)
    def one_thing_that_is_due_is_done(self, slot: int) -> None:
        owed = [(run, effect) for run in self.runs() for effect in due(run, self.now)]
        if owed:
            self.run_now(self.doer.do(*owed[slot % len(owed)], again=True))

    @rule(slot=SLOTS, dies=st.sampled_from(["before", "after"]))
    def the_bot_dies_in_an_action(self, slot: int, dies: str) -> None:
        acts = [
            (run, effect) for run in self.runs() for effect in due(run, self.now) if isinstance(effect, StartAction)
        ]
        if not acts:
            return
        self.actions.dies = dies
        try:
            self.run_now(self.doer.do(*acts[slot % len(acts)], again=True))
        except DiedError:
            self.actions.dies = ""
            self.the_bot_is_restarted()
            self.several_things_that_are_due_are_done(4)
        finally:
            self.actions.dies = ""

    @rule(steps=st.integers(2, 12))
    def several_things_that_are_due_are_done(self, steps: int) -> None:
        for _ in range(steps):
            self.one_thing_that_is_due_is_done(0)

    @rule()
    def the_bot_is_restarted(self) -> None:
        self.now += LIMITS.lease + 1.0
        self.start_anew()

    @rule(by=st.sampled_from([60.0, DAY, -DAY]))
    def the_clock_jumps(self, by: float) -> None:
        self.now += by

    @rule()
    def everything_is_frozen_or_thawed(self) -> None:
        self.frozen = not self.frozen
        if self.frozen:
            self.run_now(self.store.write(lambda tx: tx.set_freeze("all", "an incident", "U0ERIN")))
        else:
            self.run_now(self.store.write(lambda tx: tx.lift_freeze("all")))

    @rule(slot=SLOTS)
    def everything_is_frozen_between_an_approval_and_the_start(self, slot: int) -> None:
        if not self.frozen:
            self.carol_clicks(slot, "approve", "now")
            self.everything_is_frozen_or_thawed()
            self.several_things_that_are_due_are_done(4)

    @rule()
    def the_cards_tell_of_freezes(self) -> None:
        self.run_now(self.freezer.tell_cards())

    @precondition(lambda self: self.keys > 3)
    @rule(slot=SLOTS)
    def a_run_is_stopped(self, slot: int) -> None:
        live = [run for run in self.runs() if run.state not in ENDS]
        if live:
            run = live[slot % len(live)]
            self.run_now(self.door.record(run.id, Cancelled(ALICE)))
            self.stopped |= {self.mark(call) for call in run.calls if call.proposal.binding}

    @rule(slot=SLOTS)
    def carol_changes_the_arguments(self, slot: int) -> None:
        asking = [(run, call) for run, call in self.calls(CallState.ASKING) if call.approval]
        if not asking:
            return
        run, call = asking[slot % len(asking)]
        self.marks += 1
        wish = Wish(call.proposal.wire, call.proposal.action, json.dumps({"mark": f"m{self.marks}"}))
        proposal = self.run_now(self.actions.propose(f"{call.proposal.call}e", wish, run.asked.person))
        if isinstance(self.run_now(self.programs.edit(call.approval.terms.approval, CAROL, proposal)), Run):
            self.edited.add(self.mark(call))

    @rule(slot=SLOTS, answer=st.sampled_from(["did_run", "did_not_run", "unknown"]))
    def carol_says_what_came_of_it(self, slot: int, answer: str) -> None:
        doubted = [call for _, call in self.calls(CallState.IN_DOUBT) if call.card]
        if doubted:
            call = doubted[slot % len(doubted)]
            self.taken_back[self.mark(call)] += answer == "did_not_run"  # she may be wrong; then she is asked anew
            self.put(Clicked(CAROL, answer, str(call.question), "C0OPS", call.card.message))

    def mark(self, call: Call) -> str:
        return str(json.loads(call.proposal.raw_arguments)["mark"])

    # --- what holds -------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_happens_twice_or_from_a_dead_state_and_every_call_has_one_output(self) -> None:
        self.latest = max(self.latest, self.now)
        assert self.deeds.wrong == []

    def teardown(self) -> None:
        """In the end the clock is right and time goes on until everything is over; then the model has one output for each of its calls."""
        try:
            self.now = self.latest + LIMITS.lease + 1.0
            for step in range(400):
                self.mail_is_worked()
                if not any(pending(run) for run in self.runs()):
                    break
                if not any(due(run, self.now) for run in self.runs()):
                    self.now += DAY
                self.one_thing_that_is_due_is_done(step)
            for run in self.runs():
                assert run.state in ENDS and not pending(run), f"{run.id} stays {run.state}: {pending(run)}"
                self.one_output_each([dict(item) for item in transcript.items(run)])
                self.seen.update(str(call.outcome) for call in run.calls)
            assert self.deeds.wrong == []
        finally:
            self.loop.close()
