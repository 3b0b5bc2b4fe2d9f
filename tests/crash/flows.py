"""The flows: what the model wants, what BIGHUB says, what people do, and how often which action may happen. When people do it is
`people.py`'s."""

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.actions import Action, action, define
from bot.core.glass import BreakGlass
from bot.core.policy import Defaults, Match, Policy, Rule
from bot.core.values import Judgement, Person, Verdict
from bot.ports import Prompt, Rejected, Reply, Wish
from tests.crash.outside import Outside
from tests.crash.points import Points

TEAM, CHANNEL = "T1", "C0OPS"
ALICE, BOB, CAROL, DAVE = (Person(TEAM, f"U0{name}") for name in ("ALICE", "BOB", "CAROL", "DAVE"))
LAPSES, REMINDED, TOO_OLD, WEEKEND = 3_600, 1_800, 900, 3 * 86_400.0
POLICY = Policy(
    Defaults(approvers=(f"user:{CAROL.user}",), expires_in=7 * 86_400),
    (
        Rule("soon over", Match(action=("lapse",)), expires_in=LAPSES),
        Rule("two people", Match(action=("pair",)), approvers=(f"user:{CAROL.user}", f"user:{DAVE.user}"), quorum=2),
        Rule("soon reminded", Match(action=("linger",)), remind_after=REMINDED),
        Rule("soon too old", Match(action=("ripen",)), recheck_after=TOO_OLD),
    ),
    break_glass=BreakGlass((f"user:{BOB.user}",), review_minute=0),
    open_per_person=100_000,
)
ASKED = frozenset({"grant", "lapse", "cancelled", "frozen", "pair", "linger", "ripen", "risky", "vague"})
DENIED = frozenset({"drop"})
POISON = "nobody thought of this prompt"


@dataclass(frozen=True, slots=True)
class Flow:
    """``wants``: the actions of the model's first turn, ``then``: of its second. ``card``: what happens once the first turn's card asks
    ("approve", "deny", "expire", "edit", "safer", "withdraw", "ask": a question to the requester, and then an approval; "alone":
    somebody breaks the glass, and others review it; "cancel", "freeze": between the approval and the start); everything after it is
    approved. ``waits``: how long nobody touches a card, in seconds of the database's clock. ``doubt``: what people say of an action
    in doubt ("truth", "did_run", "did_not_run", "unknown"). ``most``: how often which action may happen, by what is last in its
    mark, in all lives together; the others never. ``poisoned``: the model's answer breaks something inside the bot until an
    operator has mended it and resumes the run. ``hurried``: a clock that is moved while it is under way ends it otherwise: it would be
    given up instead of parked, or nobody has answered its question in time. ``ends``: the states of the thread's runs at the end."""

    name: str
    wants: tuple[str, ...]
    card: str = "approve"
    doubt: str = "truth"
    most: Mapping[str, int] = field(default_factory=dict)
    says: bool = False
    fails_first: bool = False
    ends: tuple[str, ...] = ("done",)
    then: tuple[str, ...] = ()
    waits: float = 0.0
    voters: tuple[Person, ...] = (CAROL,)
    poisoned: bool = False
    hurried: bool = False


FLOWS = {
    flow.name: flow
    for flow in (
        Flow("allowed", ("note",), most={"note": 1}),
        Flow("approved", ("grant",), most={"grant": 1}),
        Flow("denied", ("grant",), card="deny"),
        Flow("expired", ("lapse",), card="expire", waits=LAPSES + 1.0),
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
        Flow("quorum", ("pair",), voters=(CAROL, DAVE), most={"pair": 1}),
        Flow("edited", ("grant",), card="edit", most={"edited": 1}),
        Flow("safer", ("risky",), card="safer", then=("grant",), most={"grant": 1}),
        Flow("withdrawn", ("grant",), card="withdraw"),
        Flow("questioned", ("grant",), card="ask", most={"grant": 1}),
        Flow("clarified", ("vague",), then=("note",), hurried=True, most={"note": 1}),
        Flow("reminded", ("linger",), waits=REMINDED + 1.0, most={"linger": 1}),
        Flow("rechecked", ("ripen",), waits=TOO_OLD + 1.0, most={"ripen": 1}),
        Flow("parked", ("grant",), poisoned=True, hurried=True, most={"grant": 1}),
        Flow("alone", ("pair",), card="alone", waits=WEEKEND, voters=(CAROL, DAVE), most={"pair": 1}),
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

    names = ("note", "grant", "drop", "lapse", "cancelled", "frozen", "pair", "linger", "ripen", "risky", "vague")
    return [*map(plain, names), *map(define, (stall, sync, check, guess))]


def verdict(name: str) -> Judgement:
    """What BIGHUB says of an action."""
    verdict = Verdict.ASK if name in ASKED else Verdict.DENY if name in DENIED else Verdict.ALLOW
    return Judgement(
        verdict,
        "because",
        "BIGHUB",
        0.5,
        better_action="Grant it, rather." if name == "risky" else "",
        needs_context=name == "vague",
        request_id=f"req_{secrets.token_hex(8)}",
        decision='{"risk": 0.5}',
    )


# --- the model ------------------------------------------------------------------------------------------------------


def script(prompt: Prompt, mended: bool) -> Reply:
    """Wishes first, words when they have their outputs. It chooses other ids each time that it is asked, as a model does.
    ``mended``: whether an operator has mended what a poisoned answer breaks."""
    texts = [item["content"] for item in prompt.items if isinstance(item, dict) and item.get("role") == "user"]
    asked = re.findall(r"flow:(\w+)", " ".join(texts))
    flow = FLOWS[asked[0]]
    called = [item for item in prompt.items if isinstance(item, dict) and item.get("type") == "function_call"]
    if flow.fails_first and len(asked) == 1:
        raise Rejected("The model does not exist.")
    if flow.poisoned and not mended:
        raise RuntimeError(POISON)
    before = {item["name"] for item in called if item["call_id"].startswith(prompt.run)}
    wanted = next((wants for wants in (flow.wants, flow.then) if not before & set(wants)), ())
    token = secrets.token_hex(8)
    if not wanted:
        said = f"That is all ({token})."
        words = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said}]}
        return Reply(json.dumps([words]), said, ())
    wishes = tuple(
        Wish(f"{prompt.run}.{token}.{n}", name, json.dumps({"mark": f"{prompt.run}:{name}"}))
        for n, name in enumerate(wanted)
    )
    items = [{"type": "function_call", "call_id": w.wire, "name": w.action, "arguments": w.arguments} for w in wishes]
    return Reply(json.dumps(items), "", wishes)
