"""One effect, done: ask the model, ask the guard, start an action, tell people. Deciding what is owed is `core/owed.py`'s.

Rule 1: an effect ends in an event, or in `AttemptFailed` with a later ``not_before``; never in an exception that is lost.
Rule 2: an effect may be done twice (a crash between doing and recording), except an action: only the writer of `Started` runs it.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

import structlog

from bot.core import effects as owed
from bot.core import policy as rules
from bot.core import transcript
from bot.core.approval import allowance_text, seal
from bot.core.call import Call, CallState
from bot.core.effects import Effect
from bot.core.events import (
    ApprovalId,
    AttemptFailed,
    CallId,
    CallRefused,
    CardShown,
    Delivered,
    Event,
    Expired,
    Ground,
    Judged,
    Judgement,
    ModelReplied,
    Proposal,
    RunFailed,
    Started,
    Verdict,
)
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.engine.door import Door
from bot.engine.finishing import Finishing
from bot.engine.limits import Limits
from bot.engine.people import People
from bot.engine.starting import case_in, refusal_to_start
from bot.engine.words import delay_text, end_text, question_text
from bot.ports import Actions, Chat, Guard, Model, Question, Rejected, Reply, Unavailable, Wish, Writer

log = structlog.get_logger()


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
        limits: Limits,
        seal_keys: tuple[bytes, ...],
        worker: str,
    ) -> None:
        self._door, self._model, self._guard, self._chat = door, model, guard, chat
        self._actions, self._people, self._limits = actions, people, limits
        self._seal_keys, self._worker = seal_keys, worker
        self._finishing = Finishing(door, actions)

    async def do(self, run: Run, effect: Effect) -> None:
        """Do one effect and record what came of it."""
        began = time.monotonic()
        try:
            await self._do(run, effect)
        except Unavailable as absent:
            await self._failed(run, effect, str(absent), absent.retry_after, began)
        except Rejected as rejected:
            await self._rejected(run, effect, str(rejected), began)
        except Exception as broken:  # the outermost edge: a fault of ours parks this run, not the others
            log.exception("effect failed", run=run.id, effect=effect.key)
            await self._failed(run, effect, f"Something broke inside Signoff ({type(broken).__name__}).", 0.0, began)

    async def _do(self, run: Run, effect: Effect) -> None:
        match effect:
            case owed.CallModel():
                await self._call_model(run)
            case owed.Judge():
                await self._judge(run, call_in(run, effect.call))
            case owed.StartAction():
                await self._start(run, call_in(run, effect.call))
            case owed.Recover():
                await self._finishing.recover(run, call_in(run, effect.call))
            case owed.Expire():
                await self._door.record(run.id, Expired(effect.approval))
            case owed.ShowCard():
                await self._show_card(run, effect)
            case owed.AskRequester() | owed.PostReply() | owed.PostDelay() | owed.PostEnd():
                await self._post(run, effect)
            case owed.ReportResolution() | owed.ReportOutcome():
                await self._report(run, effect)
            case _:
                assert_never(effect)

    # --- the model --------------------------------------------------------------------------------------------------

    async def _call_model(self, run: Run) -> None:
        if len(run.turns) >= self._limits.max_tool_rounds:
            rounds = self._limits.max_tool_rounds
            await self._door.record(
                run.id, RunFailed(f"I stopped after {rounds} rounds of actions without coming to an answer.")
            )
            return
        items = transcript.items(run, await self._earlier(run))
        _, reply = await asyncio.gather(
            self._chat.show_thinking(run), self._model.reply(items, self._actions.offered())
        )
        await self._door.record(run.id, self._replied(run, reply))

    async def _earlier(self, run: Run) -> tuple[Run, ...]:
        found: list[Run] = []
        previous = run.asked.previous
        while previous is not None and len(found) < self._limits.earlier_runs:
            earlier, _ = await self._door.load(previous)
            if earlier is None:
                break
            found.append(earlier)
            previous = earlier.asked.previous
        return tuple(reversed(found))

    def _replied(self, run: Run, reply: Reply) -> ModelReplied:
        turn, most = len(run.turns) + 1, self._limits.max_calls_per_turn
        requester = run.asked.person
        proposals = tuple(
            self._actions.propose(f"t{turn}c{n}", wish, requester)
            if n <= most
            else too_many(f"t{turn}c{n}", wish, most)
            for n, wish in enumerate(reply.wishes, 1)
        )
        text = reply.text or ("" if proposals else "The model ended without a word.")
        return ModelReplied(reply.items, text, proposals, len(run.said), reply.tokens)

    # --- the guard --------------------------------------------------------------------------------------------------

    async def _judge(self, run: Run, call: Call) -> None:
        binding = call.proposal.binding
        if binding is None:
            return
        question = Question(
            run=run.id,
            key=f"{run.id}:{call.proposal.call}:{binding.digest}",
            action=call.proposal.action,
            arguments=self._actions.redacted(call.proposal),
            binding=binding,
            requester=run.asked.person,
            place=run.asked.place,
            request=run.asked.text,
        )
        judgement = await self._guard.judge(question)
        approval = ApprovalId(secrets.token_hex(16))

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            if run is None:
                return Refused("There is no such run.")
            return [self._judged(run, call, judgement, approval, tx.now)]

        await self._door.decide(run.id, decide)

    def _judged(self, run: Run, call: Call, judgement: Judgement, approval: ApprovalId, now: float) -> Judged:
        name, binding = call.proposal.call, call.proposal.binding
        if binding is not None and judgement.verdict is Verdict.ALLOW:
            mark = seal(self._seal_keys[0], allowance_text(run.id, name, binding.digest))
            return Judged(name, replace(judgement, seal=mark))
        if binding is not None and judgement.verdict is Verdict.ASK and not judgement.needs_context:
            case = case_in(run, call, binding)
            return Judged(name, judgement, rules.terms(self._people.policy, case, approval, now))
        return Judged(name, judgement)

    # --- the action -------------------------------------------------------------------------------------------------

    async def _start(self, run: Run, call: Call) -> None:
        name, attempt = call.proposal.call, secrets.token_hex(16)
        lapsed = await self._lapsed(run, call)

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            now = run.call(name) if run else None
            if run is None or now is None or now.state is not CallState.ALLOWED:
                return Refused("It is not to start any more.")
            refusal = lapsed or refusal_to_start(
                run,
                now,
                freezes=await tx.freezes(),
                policy=self._people.policy,
                actions=self._actions,
                keys=self._seal_keys,
            )
            return [refusal or Started(name, attempt, self._worker)]

        after = await self._door.decide(run.id, decide)
        started = after.call(name) if isinstance(after, Run) else None
        if started is not None and started.state is CallState.STARTED and started.attempt == attempt:
            await self._finishing.run_action(run.id, started)

    async def _lapsed(self, run: Run, call: Call) -> CallRefused | None:
        """The approvers' right is asked again: whoever lost it since the click has not approved."""
        for vote in call.approval.votes if call.approval else ():
            if vote.via == "slack" and (refused := await self._people.may_decide(run, call, vote.person)):
                return CallRefused(
                    call.proposal.call,
                    Ground.SUPERSEDED,
                    f"<@{vote.person.user}> may not approve this any more. {refused.reason}",
                )
        return None

    # --- people and BIGHUB ------------------------------------------------------------------------------------------

    async def _show_card(self, run: Run, effect: owed.ShowCard) -> None:
        call = call_in(run, effect.call)
        posted = await self._chat.show_card(run, call)
        await self._door.record(run.id, CardShown(effect.call, posted.channel, posted.message, effect.shows))

    async def _post(self, run: Run, effect: owed.AskRequester | owed.PostReply | owed.PostDelay | owed.PostEnd) -> None:
        match effect:
            case owed.PostReply():
                posted = await self._chat.post_reply(run, effect.key, run.replies[effect.reply - 1])
            case owed.AskRequester():
                posted = await self._chat.post_notice(run, effect.key, question_text(run, call_in(run, effect.call)))
            case owed.PostDelay():
                posted = await self._chat.post_notice(run, effect.key, delay_text(run, effect.waits_for))
            case owed.PostEnd():
                retry = run.id if not run.ended_by else None
                posted = await self._chat.post_notice(run, effect.key, end_text(run), retry)
            case _:
                assert_never(effect)
        await self._door.record(run.id, Delivered(effect.key, posted.message))

    async def _report(self, run: Run, effect: owed.ReportResolution | owed.ReportOutcome) -> None:
        match effect:
            case owed.ReportResolution():
                call = run.call_of(effect.approval)
                if call is not None and call.approval is not None:
                    await self._guard.report_resolution(run, call, call.approval)
            case owed.ReportOutcome():
                await self._guard.report_outcome(run, call_in(run, effect.call))
            case _:
                assert_never(effect)
        await self._door.record(run.id, Delivered(effect.key))

    # --- what went wrong --------------------------------------------------------------------------------------------

    async def _failed(self, run: Run, effect: Effect, error: str, retry_after: float, began: float) -> None:
        """Try again later; a model or guard that stays away too long ends the run."""
        limits, trouble, took = self._limits, run.trouble(effect.key), round(time.monotonic() - began, 3)
        thinking = isinstance(effect, owed.CallModel | owed.Judge | owed.StartAction)
        longest = limits.longest_backoff if thinking else limits.longest_delivery_backoff
        delay = max(retry_after, limits.backoff(trouble.count if trouble else 0, longest))

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
            since = trouble.since if trouble else tx.now - took
            if thinking and tx.now + delay - since > limits.give_up_after:
                return [RunFailed(given_up(effect, self._guard.name, limits.give_up_after, error))]
            return [AttemptFailed(effect.key, error, tx.now + delay, took)]

        await self._door.decide(run.id, decide)

    async def _rejected(self, run: Run, effect: Effect, error: str, began: float) -> None:
        """Refused for good: a model or guard ends the run; a delivery is kept and tried again, rarely."""
        if isinstance(effect, owed.CallModel | owed.Judge):
            await self._door.record(run.id, RunFailed(error))
        else:
            await self._failed(run, effect, error, self._limits.longest_delivery_backoff, began)


def call_in(run: Run, name: str) -> Call:
    call = run.call(name)
    if call is None:
        raise LookupError(f"run {run.id} has no call {name}")
    return call


def too_many(call: str, wish: Wish, most: int) -> Proposal:
    """A wish beyond the bound of a turn: it is answered, and never runs."""
    return Proposal(CallId(call), wish.wire, wish.action, wish.arguments, None, f"At most {most} actions in one turn.")


def given_up(effect: Effect, guard: str, seconds: float, error: str) -> str:
    who = {owed.CallModel: "The model", owed.Judge: guard}.get(type(effect), "Something that the action needs")
    long = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
    return f"{who} did not answer for {long}. The last answer was: {error}"
