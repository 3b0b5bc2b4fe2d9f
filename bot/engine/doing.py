"""One effect, done: ask the model, ask the guard, start an action, tell people. Deciding what is owed is `core/owed.py`'s.

Rule 1: an effect ends in an event, or in `AttemptFailed` with a later ``not_before``; never in an exception that is lost.
Rule 2: an effect that breaks inside Signoff again and again parks its run; one that others are too absent for never does.
Rule 3: an effect may be done twice (a crash between doing and recording), except an action: only the writer of `Started` runs it.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import assert_never

from bot.core import effects as owed
from bot.core import transcript
from bot.core.call import MOST_ATTEMPTS, Call, CallState
from bot.core.effects import Effect
from bot.core.events import (
    Event,
    ModelReplied,
    RunFailed,
    Settled,
    Started,
)
from bot.core.faults import BrokenJournal
from bot.core.refusal import Refused
from bot.core.run import Run, RunState, apply
from bot.core.taint import carried
from bot.core.values import Answer, ApprovalId, CallId, Judgement, Proposal
from bot.engine.delivering import Delivering, call_in
from bot.engine.door import RECEIPTS_SECONDS, Door
from bot.engine.failing import Failing
from bot.engine.finishing import Finishing
from bot.engine.freezing import Freezer
from bot.engine.glass import Glass
from bot.engine.hindrances import Hindrances
from bot.engine.judging import Judging
from bot.engine.limits import Limits, bound_passed
from bot.engine.overseeing import Overseer
from bot.engine.parking import Parking
from bot.engine.people import People
from bot.engine.rechecking import TOO_OLD
from bot.engine.restoring import UNSETTLED, Restoring
from bot.engine.words import NOBODY_ANSWERED, TOO_MANY_ROUNDS, TOO_MUCH_SAID
from bot.logger import log
from bot.ports import (
    Actions,
    Chat,
    Guard,
    Model,
    NotOurs,
    Prompt,
    Rejected,
    Reply,
    Unavailable,
    Wish,
    Writer,
    still_ours,
)

THINKING_SECONDS = 0.3


class Doer:
    """Does effects. Everything that it learns goes through the door."""

    def __init__(
        self,
        *,
        door: Door,
        model: Model,
        guard: Guard,
        chat: Chat,
        actions: Actions,
        people: People,
        restoring: Restoring,
        limits: Limits,
        seal_keys: tuple[bytes, ...],
        worker: str,
        parking: Parking,
        freezer: Freezer,
        overseer: Overseer,
        glass: Glass,
    ) -> None:
        self._door, self._model, self._guard, self._chat = door, model, guard, chat
        self._actions, self._limits = actions, limits
        self._worker, self._restoring = worker, restoring
        self._hindrances = Hindrances(actions, people, seal_keys, limits.start_waits)
        self._failing = Failing(door, parking, limits, guard.name)
        self._finishing = Finishing(door, actions, limits, worker)
        self._delivering = Delivering(guard, chat, people, door, glass, limits.silent_after)
        self._freezer, self._overseer = freezer, overseer
        self._judging = Judging(guard, actions, people, door, seal_keys[0], in_order=limits.one_call_at_a_time)

    async def do(self, run: Run, effect: Effect, *, again: bool) -> bool:
        """Do one effect and record what came of it; True where the run was parked over it. ``again``: it may have been done before."""
        began = time.monotonic()
        try:
            await self._do(run, effect, again)
        except NotOurs:
            log.warning(
                "an effect was left undone: its run was another worker's meanwhile", run=run.id, effect=effect.key
            )
        except Unavailable as absent:
            await self._failing.absent(run, effect, absent, began)
        except Rejected as rejected:
            await self._failing.rejected(run, effect, str(rejected), began)
        except Exception as broken:  # the outermost edge: a fault of ours parks this run, not the others
            log.exception("effect failed", run=run.id, effect=effect.key)
            why = f"Something broke inside Signoff ({type(broken).__name__})."
            return await self._failing.broke(run, effect, why, began)
        return False

    async def _do(self, run: Run, effect: Effect, again: bool) -> None:
        match effect:
            case owed.CallModel():
                await self._call_model(run)
            case owed.Judge():
                await self._judging.judge(run, call_in(run, effect.call))
            case owed.StartAction():
                await self._start(run, call_in(run, effect.call))
            case owed.Recover():
                await self._recover(run, call_in(run, effect.call))
            case owed.Expire() | owed.StopAsking() | owed.StopWaiting():
                await self._door.record(run.id, self._time_ran_out(run, effect))
            case owed.Remind() | owed.Escalate():
                await self._door.record(run.id, await self._delivering.remind(run, effect, again))
            case (
                owed.ShowCard()
                | owed.AskRequester()
                | owed.PostInquiry()
                | owed.PostReply()
                | owed.PostDelay()
                | owed.PostEnd()
                | owed.PostNotice()
                | owed.Summon()
                | owed.ReportResolution()
                | owed.ReportOutcome()
                | owed.Remember()
                | owed.AnnounceGlass()
                | owed.ShowReview()
            ):
                if isinstance(effect, owed.ShowCard) and await self._freezer.note(run.id):
                    return
                self._door.record_soon(run.id, await self._delivering.deliver(run, effect, again))
            case _:
                assert_never(effect)

    # --- the model --------------------------------------------------------------------------------------------------

    async def _call_model(self, run: Run) -> None:
        if passed := bound_passed(run, self._limits):
            await self._door.record(run.id, RunFailed(passed))
            return
        before = await self._earlier(run)
        items = transcript.items(run, before)
        decoration = asyncio.create_task(self._show_thinking(run))
        began = time.monotonic()
        try:
            await still_ours()
            reply = await self._model.reply(Prompt(run.id, items, self._actions.offered(), run.asked.brief))
        finally:
            decoration.cancel()
        rounds, most = len({call.turn for call in run.calls}), self._limits.max_tool_rounds
        longest, size = self._limits.longest_answer, len(reply.items) + len(reply.text)
        if longest is not None and size > longest:
            await self._door.record(run.id, RunFailed(TOO_MUCH_SAID.format(size, longest)))
        elif reply.wishes and rounds >= most:
            await self._door.record(run.id, RunFailed(TOO_MANY_ROUNDS.format(most)))
        else:
            took = round(time.monotonic() - began, 3)
            await self._record_turn(run, await self._replied(run, reply, took, carried(run, before)))

    async def _show_thinking(self, run: Run) -> None:
        """Decoration; nobody misses it where the model is quick."""
        await asyncio.sleep(THINKING_SECONDS)
        await self._chat.show_thinking(run)

    async def _record_turn(self, run: Run, replied: ModelReplied) -> None:
        """Record a turn, with the guard's answers where they come at once: one commit instead of two. What is not judged by then
        is owed as ever."""
        judgements = await self._judging.at_once(run, replied)
        await self._delivering.finish_telling(run.id, RECEIPTS_SECONDS)

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            after = Refused("There is no such run.") if run is None else apply(run, replied, tx.now)
            if isinstance(after, Refused):
                return after
            names = ((call, call.proposal.call) for call in after.calls)
            fresh = [(call, judgements[name]) for call, name in names if name in judgements]
            return [replied, *await self._judging.events(after, fresh, tx)]

        await self._door.decide(run.id, decide)

    async def _earlier(self, run: Run) -> tuple[Run, ...]:
        found: list[Run] = []
        previous = run.asked.previous
        while previous is not None and len(found) < self._limits.earlier_runs:
            try:
                earlier, _ = await self._door.load(previous)
            except BrokenJournal:
                break  # this run goes on without what came before it
            if earlier is None:
                break
            found.append(earlier)
            previous = earlier.asked.previous
        return tuple(reversed(found))

    async def _replied(self, run: Run, reply: Reply, took: float, read: tuple[str, ...]) -> ModelReplied:
        turn, most = len(run.turns) + 1, self._limits.max_calls_per_turn
        requester = run.asked.person
        proposals = [
            await self._actions.propose(f"t{turn}c{n}", wish, requester)
            if n <= most
            else too_many(f"t{turn}c{n}", wish, most)
            for n, wish in enumerate(reply.wishes, 1)
        ]
        said = (reply.items, reply.text, tuple(proposals), len(run.said))
        return ModelReplied(*said, reply.tokens, reply.response, took, read)

    # --- the action -------------------------------------------------------------------------------------------------

    async def _start(self, run: Run, call: Call, recheck: Judgement | None = None) -> None:
        """Start the action, if it may start at this moment; otherwise it is refused, or people are asked anew. ``recheck``: what the
        guard says now, where the approval is too old to go without."""
        name, attempt = call.proposal.call, secrets.token_hex(16)
        await self._overseer.look_before_start(call)
        lapsed, new = await self._hindrances.lapsed(run, call), ApprovalId(secrets.token_hex(16))

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            now = run.call(name) if run else None
            if run is None or now is None or (now.state, now.attempt) != (call.state, call.attempt):
                return Refused("It is not to start any more.")
            if not await tx.take_lease(run.id, self._worker, self._limits.lease):
                return Refused("Another worker holds this run.")
            if not (await tx.epoch()).settled:
                return UNSETTLED
            instead = await self._hindrances.instead(run, now, tx, lapsed, new, recheck)
            if instead is not None:
                return instead if isinstance(instead, Refused) else [instead]
            again = (recheck.decision or recheck.reason, recheck.request_id) if recheck is not None else ()
            return [Started(name, attempt, self._worker, now.proposal.action, *again)]

        after = await self._door.decide(run.id, decide)
        started, mine = after.call(name) if isinstance(after, Run) else None, (CallState.STARTED, attempt)
        if after is UNSETTLED:
            await self._restoring.settle()
        elif after is TOO_OLD and recheck is None:
            await self._start(run, call, await self._judging.once_more(run, call))
        elif isinstance(after, Run) and started is not None and (started.state, started.attempt) == mine:
            await self._finishing.run_action(after, started)
        elif call.state is CallState.STARTED:
            await self._finishing.find_out(run, call)

    def _time_ran_out(self, run: Run, effect: owed.Expire | owed.StopAsking | owed.StopWaiting) -> Event:
        match effect:
            case owed.Expire():
                return self._delivering.expired(run, effect)
            case owed.StopAsking():
                return Settled(effect.call, Answer.UNKNOWN, None)
            case owed.StopWaiting():
                return RunFailed(NOBODY_ANSWERED)
            case _:
                assert_never(effect)

    async def _recover(self, run: Run, call: Call) -> None:
        """The worker that started this call is gone, since we hold its run: start it again where that does no harm, or find out."""
        binding = call.proposal.binding
        again = binding is not None and binding.on_crash == "rerun" and run.state is RunState.ACTING
        if again and call.attempts < MOST_ATTEMPTS:
            return await self._start(run, call)
        return await self._finishing.find_out(run, call)


def too_many(call: str, wish: Wish, most: int) -> Proposal:
    """A wish beyond the bound of a turn: it is answered, and never runs."""
    return Proposal(CallId(call), wish.wire, wish.action, wish.arguments, None, f"At most {most} actions in one turn.")
