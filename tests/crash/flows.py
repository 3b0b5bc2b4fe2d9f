"""The flows: what the model wants, what BIGHUB says, what people do, and how often which action may happen.

Whatever people do is read off what they see, so that in each life they do what the last one did not take from them any more.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

from bot.actions import Action, action, define
from bot.core.inputs import Clicked, Input, Wrote
from bot.core.policy import Defaults, Match, Policy, Rule
from bot.core.run import Run
from bot.core.values import Judgement, Person, Place, Verdict
from bot.ports import InboxRow, Prompt, Rejected, Reply, Wish
from tests.crash.outside import Outside
from tests.crash.points import Points

TEAM, CHANNEL = "T1", "C0OPS"
ALICE, BOB, CAROL = (Person(TEAM, f"U0{name}") for name in ("ALICE", "BOB", "CAROL"))
LAPSES = 3_600
POLICY = Policy(
    Defaults(approvers=(f"user:{CAROL.user}",), expires_in=7 * 86_400),
    (Rule("soon over", Match(action=("lapse",)), expires_in=LAPSES),),
)
ASKED, DENIED = frozenset({"grant", "lapse", "cancelled", "frozen"}), frozenset({"drop"})


@dataclass(frozen=True, slots=True)
class Flow:
    """``wants``: the actions of the model's first turn. ``card``: what happens once a card asks ("approve", "deny", "expire",
    "cancel", "freeze": the last two between the approval and the start). ``doubt``: what people say of an action in doubt ("truth",
    "did_run", "did_not_run", "unknown"). ``most``: how often which action may happen, in all lives together; the others never.
    ``ends``: the states of the thread's runs at the end."""

    name: str
    wants: tuple[str, ...]
    card: str = "approve"
    doubt: str = "truth"
    most: Mapping[str, int] = field(default_factory=dict)
    says: bool = False
    fails_first: bool = False
    ends: tuple[str, ...] = ("done",)


FLOWS = {
    flow.name: flow
    for flow in (
        Flow("allowed", ("note",), most={"note": 1}),
        Flow("approved", ("grant",), most={"grant": 1}),
        Flow("denied", ("grant",), card="deny"),
        Flow("expired", ("lapse",), card="expire"),
        Flow("mixed", ("note", "grant", "drop"), most={"note": 1, "grant": 1}),
        Flow("doubt_ran", ("stall",), doubt="did_run", most={"stall": 1}),
        Flow("doubt_not_ran", ("stall",), doubt="did_not_run", most={"stall": 1}),
        Flow("doubt_unknown", ("stall",), doubt="unknown", most={"stall": 1}),
        Flow("rerun", ("sync",), most={"sync": 3}),
        Flow("probe", ("check",), most={"check": 1}),
        Flow("probe_blind", ("guess",), most={"guess": 1}),
        Flow("cancelled", ("cancelled",), card="cancel", ends=("cancelled",)),
        Flow("frozen", ("frozen",), card="freeze"),
        Flow("message", ("grant",), says=True, most={"grant": 1}),
        Flow("retry", ("note",), fails_first=True, most={"note": 1}, ends=("failed", "done")),
    )
}


# --- what the agent can do ------------------------------------------------------------------------------------------


@dataclass
class Present:
    """The life that goes on in this process: actions are defined once, before any life begins."""

    outside: Outside
    points: Points


def actions(present: Callable[[], Present]) -> list[Action]:
    """The effect of each is one line in the world outside, with the run and the call in it. ``mark`` names both."""

    def happens(mark: str, key: str) -> str:
        outside, points = present().outside, present().points
        points.passing(f"the effect of {mark}, to come")
        outside.tell("effect", mark=mark, key=key)
        points.passing(f"the effect of {mark}, there")
        return "done"

    def plain(name: str) -> Action:
        @action(name=name, system=name)
        async def act(mark: str, *, idempotency_key: str) -> str:
            """Do it once."""
            return happens(mark, idempotency_key)

        return define(act)

    @action(timeout=0.02)
    async def stall(mark: str, *, idempotency_key: str) -> None:
        """Do it, and never answer."""
        happens(mark, idempotency_key)
        await asyncio.sleep(3600.0)

    @action(on_crash="rerun")
    async def sync(mark: str, *, idempotency_key: str) -> str:
        """Do it; once more does no harm."""
        return happens(mark, idempotency_key)

    async def did(mark: str) -> bool:
        happened = bool(present().outside.told("effect", mark=mark))
        present().outside.tell("probed", mark=mark, happened=happened)
        return happened

    @action(on_crash="probe", probe=did)
    async def check(mark: str, *, idempotency_key: str) -> str:
        """Do it; afterwards one can see whether it was done."""
        return happens(mark, idempotency_key)

    async def cannot_tell(mark: str) -> None:
        present().outside.tell("probed", mark=mark, happened=None)

    @action(on_crash="probe", probe=cannot_tell)
    async def guess(mark: str, *, idempotency_key: str) -> str:
        """Do it; afterwards one can look, and see nothing."""
        return happens(mark, idempotency_key)

    names = ("note", "grant", "drop", "lapse", "cancelled", "frozen")
    return [*map(plain, names), *map(define, (stall, sync, check, guess))]


def verdict(name: str) -> Judgement:
    """What BIGHUB says of an action."""
    verdict = Verdict.ASK if name in ASKED else Verdict.DENY if name in DENIED else Verdict.ALLOW
    return Judgement(
        verdict, "because", "BIGHUB", 0.5, request_id=f"req_{secrets.token_hex(8)}", decision='{"risk": 0.5}'
    )


# --- the model ------------------------------------------------------------------------------------------------------


def script(prompt: Prompt) -> Reply:
    """Wishes first, words when they have their outputs. It chooses other ids each time that it is asked, as a model does."""
    texts = [item["content"] for item in prompt.items if isinstance(item, dict) and item.get("role") == "user"]
    asked = re.findall(r"flow:(\w+)", " ".join(texts))
    flow = FLOWS[asked[0]]
    calls = [item["call_id"] for item in prompt.items if isinstance(item, dict) and item.get("type") == "function_call"]
    if flow.fails_first and len(asked) == 1:
        raise Rejected("The model does not exist.")
    token = secrets.token_hex(8)
    if any(call.startswith(prompt.run) for call in calls):
        said = f"That is all ({token})."
        words = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said}]}
        return Reply(json.dumps([words]), said, ())
    wishes = tuple(
        Wish(f"{prompt.run}.{token}.{n}", name, json.dumps({"mark": f"{prompt.run}:{name}"}))
        for n, name in enumerate(flow.wants)
    )
    items = [{"type": "function_call", "call_id": w.wire, "name": w.action, "arguments": w.arguments} for w in wishes]
    return Reply(json.dumps(items), "", wishes)


# --- people ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Telling:
    """One flow, told in the thread of its own that ``number`` names."""

    flow: Flow
    number: int

    @property
    def place(self) -> Place:
        return Place(TEAM, CHANNEL, f"{self.number}.000100")

    def runs(self, known: Iterable[Run]) -> list[Run]:
        return sorted((run for run in known if run.asked.place == self.place), key=lambda run: run.asked_at)

    def inputs(self, known: Iterable[Run], outside: Outside) -> Iterator[tuple[str, Input]]:
        """Everything that people have written and clicked by now, by the key under which Slack delivers it again and again."""
        mine = self.runs(known)
        yield self._key("ask"), Wrote(ALICE, self.place, self.place.thread, f"Please, flow:{self.flow.name}", True)
        cards = {line["key"]: line for line in outside.lines["card"] if line["run"] in {run.id for run in mine}}
        for line in cards.values():
            yield from self._on_card(line, mine, outside)
        for post in outside.lines["post"]:
            if post["retry"] in {run.id for run in mine}:
                yield self._key("retry"), Clicked(ALICE, "retry", post["retry"], CHANNEL, post["ts"])

    def _on_card(self, line: Mapping[str, str], mine: list[Run], outside: Outside) -> Iterator[tuple[str, Input]]:
        phase, opaque, flow = str(line["phase"]), line["opaque"], self.flow
        if phase.startswith("asking:"):
            if flow.says:
                yield self._key("hurry"), Wrote(BOB, self.place, f"{self.number}.000200", "Hurry!", False)
                if not any(len(run.said) > 1 for run in mine):
                    return
            choice = {"deny": "deny", "expire": ""}.get(flow.card, "approve")
            if flow.doubt == "did_not_run" and "-" in line["key"]:
                choice = "deny"  # people are asked anew about what they said did not run; they have changed their minds
            if choice:
                yield f"{opaque}:{choice}", Clicked(CAROL, choice, opaque, CHANNEL, line["ts"])
        elif phase == "expired":
            yield f"{opaque}:late", Clicked(CAROL, "approve", opaque, CHANNEL, line["ts"])
        elif phase == "in_doubt":
            happened = outside.told("effect", mark=f"{line['run']}:{line['action']}")
            truth = "did_run" if happened else "did_not_run"
            answer = truth if flow.doubt == "truth" else flow.doubt
            yield f"{opaque}:{answer}", Clicked(CAROL, answer, opaque, CHANNEL, line["ts"])

    def waits_for_time(self, known: Iterable[Run], outside: Outside) -> bool:
        """Whether a card is shown that nobody will click, and the clock was not moved yet."""
        shown = {line["run"] for line in outside.lines["card"]}
        return self.flow.card == "expire" and any(
            run.id in shown and not outside.told("clock", run=run.id) for run in self.runs(known)
        )

    def _key(self, what: str) -> str:
        return f"{self.number}:{what}"


def row(key: str, what: Input) -> InboxRow:
    return InboxRow(key, TEAM, "event", json.dumps([type(what).__name__, asdict(what)]))


def translate(row: InboxRow) -> Input:
    kind, what = json.loads(row.payload)
    person = Person(**what.pop("person"))
    if kind == "Clicked":
        return Clicked(person, **what)
    return Wrote(person, Place(**what.pop("place")), **what)
