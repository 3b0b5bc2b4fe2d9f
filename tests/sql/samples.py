"""Events to test a store with: one filled sample of every class (by introspection), and a story that a run may tell."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints

from bot.core.events import Asked, CardShown, Doubted, Event, Judged, ModelReplied, Recorded, Said, Started, Voted
from bot.core.journal import fold
from bot.core.refusal import Refused
from bot.core.run import Run, apply, begin
from bot.core.values import (
    ApprovalId,
    Binding,
    CallId,
    Choice,
    Judgement,
    Person,
    Place,
    Proposal,
    RunId,
    Terms,
    Verdict,
)
from bot.ports import Store, Writer

ALICE = Person("T1", "U1")
CAROL = Person("T1", "U3")
THREAD = Place("T1", "C1", "1700000000.000100")

EVENT_CLASSES: tuple[type[Any], ...] = get_args(Event)


def sample(hint: Any, name: str = "") -> Any:
    """A value with every field filled, every optional there and two of whatever there may be many of."""
    if isinstance(hint, NewType):
        return sample(hint.__supertype__, name)
    if get_origin(hint) is Annotated:
        return f'the {name}: naïve ✓ \x00 \ud800 "quoted"\n'
    if get_origin(hint) in (Union, UnionType):
        return sample(next(arg for arg in get_args(hint) if arg is not NoneType), name)
    if get_origin(hint) is tuple:
        return (sample(get_args(hint)[0], f"{name}1"), sample(get_args(hint)[0], f"{name}2"))
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint, include_extras=True)
        return hint(**{f.name: sample(hints[f.name], f.name) for f in fields(hint)})
    if issubclass(hint, StrEnum):
        return list(hint)[-1]
    return {str: f"{name} ü\x00\ud800", int: 3, float: 0.1, bool: True}[hint]


def asked(text: str = "grant bob access", place: Place = THREAD, person: Person = ALICE) -> Asked:
    return Asked(person, place, place.thread, text)


def said(number: int, text: str = "and quickly") -> Said:
    return Said(ALICE, f"1700000001.{number:06}", text)


def proposal(call: str) -> Proposal:
    binding = Binding(
        '{"user":"bob"}', f"digest of {call}", "definition", "okta", "okta", "production", "high", False, "ask"
    )
    return Proposal(CallId(call), f"wire-{call}", "grant_access", '{"user": "bob"}', binding)


def proposed(*calls: str) -> ModelReplied:
    return ModelReplied('[{"type":"function_call"}]', "", tuple(proposal(call) for call in calls), 1)


def judged_ask(call: str, approval: str, risk: float | None = 0.78, expires_at: float = 4e9) -> Judged:
    judgement = Judgement(Verdict.ASK, "broad", "BIGHUB", risk, decision='{"raw": 1}')
    return Judged(CallId(call), judgement, Terms(ApprovalId(approval), ("group:S1",), 1, False, expires_at))


def judged_allow(call: str) -> Judged:
    return Judged(CallId(call), Judgement(Verdict.ALLOW, "safe", "BIGHUB", seal="k:mac"))


def story(prefix: str = "a") -> tuple[Event, ...]:
    """One call waits for people with its card shown; the other is in doubt."""
    first, second = f"{prefix}-1", f"{prefix}-2"
    return (
        asked(),
        proposed(first, second),
        judged_ask(first, f"{prefix}-approval"),
        CardShown(CallId(first), "C1", "1700000002.000100", "asking:0"),
        judged_allow(second),
        Started(CallId(second), "attempt", "worker"),
        Doubted(CallId(second), "attempt", ApprovalId(f"{prefix}-question")),
    )


def approved(prefix: str = "a") -> Voted:
    approval = ApprovalId(f"{prefix}-approval")
    return Voted(approval, CAROL, Choice.APPROVE, "go ahead", "k:mac", message="1700000002.000100")


def applied(run_id: RunId, before: Run | None, events: Iterable[Event], at: float) -> tuple[Run, tuple[Recorded, ...]]:
    """The run after ``events``, and the events in their places."""
    run, recorded = before, []
    for event in events:
        if run is None:
            assert isinstance(event, Asked)
            after: Run | Refused = begin(run_id, event, at)
        else:
            after = apply(run, event, at)
        assert isinstance(after, Run), after
        recorded.append(Recorded(after.length, at, event))
        run = after
    assert run is not None
    return run, tuple(recorded)


async def record(store: Store, run_id: str, *events: Event) -> Run:
    """Append through the store as the engine does: load, apply, append."""
    run = RunId(run_id)

    async def work(writer: Writer) -> Run:
        before = fold(run, await writer.journal(run))
        after, recorded = applied(run, before, events, writer.now)
        await writer.append(before, after, recorded)
        return after

    return await store.write(work)


async def journal(store: Store, run_id: str, after: int = 0) -> Sequence[Recorded]:
    return await store.read(lambda reader: reader.journal(RunId(run_id), after))
