"""What must hold of a story when all of its runs are at their end, however often its bot was killed. Judged on what the world
outside saw, on the journal, and on the projections; nothing here knows where anybody died.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from bot.core import transcript
from bot.core.call import Call, CallState
from bot.core.journal import fold
from bot.core.owed import NOTHING_RAN, due_at, pending
from bot.core.run import Run, RunState
from bot.sql import tables
from bot.sql.rebuild import rebuild, verify_chain
from bot.sql.store import SqlStore
from tests.crash.outside import Outside, mark_of
from tests.crash.people import Telling

POSTS = (
    *("reply:", "end:", "question:", "delay:", "inquiry:", "ended:", "anew:", "placed:", "shadow:", "remind:"),
    *("glass:", "review:", "reviewed:"),
)
UNRECORDED = "parked"
"""The post of a run that nobody works any more: it is tried, and no journal keeps it."""
REPORTS, RESOLUTIONS = "outcome:", "resolution:"


async def faults(store: SqlStore, outside: Outside, tellings: tuple[Telling, ...]) -> list[str]:
    """Everything that does not hold, in words."""
    found = [f"R15 it broke inside: {line}" for line in outside.lines["broken"]]
    runs = await _runs(store)
    for telling in tellings:
        mine = telling.runs(runs)
        states = tuple(str(run.state) for run in mine)
        if states != telling.flow.ends:
            why = "; ".join(run.end_reason for run in mine if run.end_reason)
            found.append(f"R3 the runs of {telling.flow.name} are {states}, not {telling.flow.ends}: {why}")
        for run in mine:
            found += [f"{telling.flow.name}: {fault}" for fault in _of_run(run, outside, telling)]
    return found + await _of_database(store, outside)


async def _runs(store: SqlStore) -> list[Run]:
    lines = await store.read(lambda tx: tx.runs(1_000))
    folded = [fold(line.run, await store.read(lambda tx, run=line.run: tx.journal(run))) for line in lines]
    return [run for run in folded if run is not None]


# --- a run ----------------------------------------------------------------------------------------------------------


def _of_run(run: Run, outside: Outside, telling: Telling) -> Iterator[str]:
    if due_at(run) is not None:
        yield f"R2 run {run.id} still owes {', '.join(effect.key for effect in pending(run))}"
    for call in run.calls:
        yield from _of_call(run, call, outside)
    for mark in {mark_of(call) for call in run.calls}:
        yield from _of_wish(mark, [call for call in run.calls if mark_of(call) == mark], outside, telling)
    yield from _of_reports(run, outside)
    if any(broken.reviewed_by is None for broken in run.broken):
        yield "R3 what was decided alone was reviewed, and that is not recorded"
    yield from _of_words(run, outside, telling)
    yield from _of_prompts(run, outside)


def _of_wish(mark: str, calls: list[Call], outside: Outside, telling: Telling) -> Iterator[str]:
    """One wish of somebody's: its call, and those that took its place after somebody had found that it did not run."""
    name, doubt = mark.rpartition(":")[2], telling.flow.doubt
    effects = outside.told("effect", mark=mark)
    most = telling.flow.most.get(name, 0)
    if len(effects) > most:
        yield f"R1 R7 {name} happened {len(effects)} times, at most {most} was approved"
    if len({effect["key"] for effect in effects}) > 1:
        yield f"R2 {name} was given several idempotency keys"
    executed = [call for call in calls if call.state is CallState.EXECUTED]
    unsure = doubt != "truth" or any(call.state is CallState.IN_DOUBT for call in calls)
    if executed and not effects and not unsure:
        yield f"R1 {name} is told as executed and never happened"
    if effects and not executed and not unsure:
        yield f"R2 {name} is told as {calls[-1].outcome} and happened"
    if most and calls[-1].state is CallState.REFUSED and doubt != "did_not_run":
        yield f"R3 {name} was refused ({calls[-1].outcome}: {calls[-1].reason}), though people approved it"


def _of_call(run: Run, call: Call, outside: Outside) -> Iterator[str]:
    name = call.proposal.action
    if not call.answered:
        yield f"R2 {name} stays {call.state}"
    cards = outside.told("card", key=f"{run.id}:{call.proposal.call}")
    if call.phase is not None and (len({card["ts"] for card in cards}) != 1 or cards[-1]["phase"] != call.phase):
        yield f"R10 the card of {name} shows {[card['phase'] for card in cards]}, not {call.phase}"


def _of_words(run: Run, outside: Outside, telling: Telling) -> Iterator[str]:
    posts = [post for post in outside.told("post", run=run.id) if post["key"] != f"{run.id}:{UNRECORDED}"]
    keys = [post["key"].removeprefix(f"{run.id}:") for post in posts]
    receipts = [receipt.key for receipt in run.receipts if receipt.key.startswith(POSTS)]
    receipts += [told.key for call in run.calls if call.approval for told in call.approval.told]
    # Where people decided at the sight of a reminder, nobody need write down any more that it was given.
    receipts += [key for key in set(keys) - set(receipts) if key.startswith("remind:")]
    if Counter(keys) != Counter(receipts):
        yield f"R9 posted were {sorted(keys)}, recorded {sorted(receipts)}"
    untold = [
        call.proposal.action
        for call in run.calls
        if call.outcome in NOTHING_RAN and f"ended:{call.proposal.call}" not in keys
    ]
    if untold:
        yield f"R9 whoever asked was not told in our own words that {untold} did not run"
    replies = [post["text"] for key, post in zip(keys, posts, strict=True) if key.startswith("reply:")]
    # A reply that was asked for again after a crash is another text; the first that was recorded is the one that counts.
    if replies != list(run.replies):
        yield f"R9 Slack shows the replies {replies}, the journal has {run.replies}"
    # Where the connection was cut, an answer of the model's could really not be kept, and the next life may say so.
    slow = bool(outside.lines["wire"]) or telling.flow.poisoned
    if any(key.startswith("delay:") for key in keys) and not slow:
        yield f"R9 people were told that somebody does not answer who did: {keys}"


def _of_reports(run: Run, outside: Outside) -> Iterator[str]:
    told = Counter(line["key"].removeprefix(f"{run.id}:") for line in outside.lines["report"] if run.id in line["key"])
    twice = [key for key, times in told.items() if times > 1]
    if twice:
        yield f"R9 BIGHUB was told twice of {twice}"
    receipts = {receipt.key for receipt in run.receipts if receipt.key.startswith(REPORTS)}
    if receipts != {key for key in told if key.startswith(REPORTS)}:
        yield f"R9 BIGHUB was told {sorted(told)}, recorded is {sorted(receipts)}"
    waiting = {f"{RESOLUTIONS}{line['name']}" for line in outside.told("judged", run=run.id, waits=True)}
    resolved = {key for key in told if key.startswith(RESOLUTIONS)}
    if unclosed := waiting - resolved:  # of what it allowed and our own rules asked about it may hear as well
        yield f"R9 BIGHUB never heard what came of {sorted(unclosed)}"
    for call in run.calls:
        reported = f"outcome:{call.proposal.call}"
        if call.judgement is not None and not {reported, f"{reported}:in_doubt"} & receipts:
            yield f"R9 BIGHUB was not told what became of {call.proposal.action}"


def _of_prompts(run: Run, outside: Outside) -> Iterator[str]:
    prompts = outside.told("prompt", run=run.id)
    for prompt in prompts:
        outputs = [call for call, _ in prompt["outputs"]]
        if outputs != prompt["calls"] or len(set(outputs)) != len(outputs):
            yield f"R16 the model was shown calls {prompt['calls']} and outputs {prompt['outputs']}"
    if run.state is not RunState.DONE:
        return
    shown = {item["call_id"] for item in transcript.items(run) if item.get("type") == "function_call_output"}
    if shown != {call.proposal.wire for call in run.calls} or not shown <= {call for call, _ in prompts[-1]["outputs"]}:
        yield f"R16 the last prompt lacks an output: {prompts[-1]['outputs']}"
    if [said.text for said in run.said] != prompts[-1]["said"][-len(run.said) :] and len(
        {s.person for s in run.said}
    ) == 1:
        yield f"R3 the model was not shown what people said: {prompts[-1]['said']}"


# --- the database ---------------------------------------------------------------------------------------------------


async def _of_database(store: SqlStore, outside: Outside) -> list[str]:
    found = []
    verified = await store.read(verify_chain)
    if verified.fault is not None:
        found.append(f"R18 the chain is broken: {verified.fault}")
    before = await projections(store)
    await rebuild(store)
    after = await projections(store)
    found += [
        f"R18 {name} is {before[name]}, its journal says {after[name]}"
        for name in before
        if before[name] != after[name]
    ]
    if due := await store.read(lambda tx: tx.next_due()):
        found.append(f"R2 something is still due: {due}")
    closed = await store.read(_closed)
    lost = [line["key"] for line in outside.lines["acked"] if line["key"] not in closed]
    return found + [f"R3 {key} was acked, and nothing came of it" for key in lost]


async def projections(store: SqlStore) -> dict[str, set[Any]]:
    async def work(reader: Any) -> dict[str, set[Any]]:
        lists = (tables.runs, tables.approvals, tables.buttons)
        return {each.name: {tuple(row) for row in await reader.connection.execute(select(each))} for each in lists}

    return await store.read(work)


async def _closed(reader: Any) -> set[str]:
    inbox = tables.inbox.c
    return set((await reader.connection.scalars(select(inbox.key).where(inbox.done_at.is_not(None)))).all())
