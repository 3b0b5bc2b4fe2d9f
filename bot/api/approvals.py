"""Approvals decided by a program: a resolution with BIGHUB, a vote in the journal, and the run goes on where it stood.

Rules
1. A call is decided once. The same request id again gets the first result; other arguments are refused.
2. Only a clear "approved" approves, from the program and from BIGHUB; everything else is a denial.
3. BIGHUB is told before it is recorded here, and its answer counts: what it says is denied is not approved here. It is not told
   of a vote that would not count here.
"""

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from bot.actions.registry import Checked
from bot.api.alone import THE_PROGRAM
from bot.api.calling import called_back
from bot.api.guard import approved
from bot.api.machine import Machine, request_id_of
from bot.api.requests import asked_for_one_call
from bot.api.shapes import Json
from bot.core.call import Call, CallState
from bot.core.changes import MOST_EDITS, edits_of
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import CallId, Judgement, RunId, Verdict
from bot.core.verdict import request_id_text
from bot.engine.editing import edited_name
from bot.engine.keyring import KEY_IS_GONE
from bot.errors import AdapterConfigurationError, ProviderResponseError
from bot.ports import Wish

MOST_RESULTS = 1_000
_SAME_KEY = "Where another process asked, both need the same SIGNOFF_SEAL_KEY."
_ANOTHER_KEY, _, _ = KEY_IS_GONE.partition(" (")
ELSEWHERE = "Another process asked about this."
Callback = Callable[[Json], Any]


class Approvals:
    """The approvals of one machine's runs. ``adopts``: a request id that this agent has never heard of is taken at the program's
    word."""

    def __init__(self, machine: Machine, *, adopts: bool) -> None:
        self._machine, self._adopts = machine, adopts
        self._results: OrderedDict[tuple[RunId, CallId], Json] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # --- one request id, from wherever --------------------------------------------------------------------------------

    async def resume(self, tool: str, arguments: Json, named: object, resolution: object, comment: object) -> Json:
        """Decide what is asked about under the request id ``named`` and let its run go on to its rest."""
        request_id = request_id_text(named)
        if not request_id:
            raise AdapterConfigurationError(f"request_id must be an execution event's request_id, not {named!r:.80}.")
        async with self._locks.setdefault(request_id, asyncio.Lock()):
            checked = await self._checked(tool, arguments)
            run, call = await self._found(tool, checked, request_id)
            with self._machine.calling(run.id):
                if call.state is not CallState.ASKING:
                    result = await self._first_result(run, call)
                else:
                    result = await self._decide(run, call, resolution, comment)
            await self._machine.expect_reports(run.id, result["response"])
            return result

    async def _checked(self, tool: str, arguments: Json) -> Checked:
        if self._machine.tools.find(tool) is None:
            raise AdapterConfigurationError(f"Tool '{tool}' is not registered")
        checked = await called_back(self._machine.tools.check, tool, arguments)
        if isinstance(checked, Checked):
            return checked
        raise AdapterConfigurationError(checked.reason)

    async def _found(self, tool: str, checked: Checked, request_id: str) -> tuple[Run, Call]:
        known = await self._machine.asked_about(request_id)
        same = [pair for pair in known if _is_about(pair[1], tool, checked)]
        waiting = [pair for pair in same if pair[1].state is CallState.ASKING]
        if same:
            return (waiting or same)[0]
        if known:
            raise AdapterConfigurationError(
                f"{request_id} was asked about other arguments or another tool: only what was judged can be resumed."
            )
        if request_id in self._machine.request_ids:
            raise AdapterConfigurationError(
                f"{request_id} waits for no approval: that call was decided without one, or long ago. "
                "Only a call with the status approval_required can be resumed."
            )
        if not self._adopts:
            raise AdapterConfigurationError(f"No run in this store waits for {request_id}.")
        return await self._adopted(tool, checked, request_id)

    async def _adopted(self, tool: str, checked: Checked, request_id: str) -> tuple[Run, Call]:
        """A request that another process was given, without a store that both share: the program's word is all there is."""
        run_id = RunId(secrets.token_hex(16))
        wish = Wish(request_id, tool, checked.arguments.decode())
        proposal = await self._machine.tools.propose("t1c1", wish, THE_PROGRAM)
        decision = json.dumps({"request_id": request_id, "requires_approval": True})
        judgement = Judgement(Verdict.ASK, "", "BIGHUB", request_id=request_id, decision=decision, ours=ELSEWHERE)
        asked = asked_for_one_call(run_id, tool)
        begun = await self._machine.engine.programs.ask(run_id, asked, proposal, judgement)
        if isinstance(begun, Refused) or begun.calls[0].state is not CallState.ASKING:
            raise AdapterConfigurationError(begun.reason if isinstance(begun, Refused) else begun.calls[0].reason)
        return begun, begun.calls[0]

    # --- one call -------------------------------------------------------------------------------------------------------

    async def _decide(self, run: Run, call: Call, resolution: object, comment: object) -> Json:
        assert call.approval is not None
        programs, approval = self._machine.engine.programs, call.approval.terms.approval
        wanted = "approved" if _is_approved(resolution) else "denied"
        said = None if comment is None else str(comment)
        choice = "approve" if wanted == "approved" else "deny"
        refused = await programs.refusal_to_vote(approval, THE_PROGRAM, choice, said or "")
        if refused is not None:
            return await self._not_counted(run, call, {}, refused)
        receipt = await self._machine.guard.resolve(request_id_of(call), wanted, said)
        agreed, doubt = approved(receipt, wanted)
        yes = wanted == "approved" and agreed
        why = "" if yes or wanted == "denied" else doubt
        text = " ".join(part for part in (said or "", why) if part)
        voted = await programs.vote(approval, THE_PROGRAM.user, "approve" if yes else "deny", text)
        if isinstance(voted, Refused):
            return await self._not_counted(run, call, receipt, voted)
        response = await self._machine.finish(run.id)
        return await self._kept(run.id, call, receipt, response, why)

    async def _not_counted(self, run: Run, call: Call, receipt: Json, refused: Refused) -> Json:
        """What a vote amounts to that was refused: somebody was first, or the question is open still, and then it says why."""
        now = await self._machine.engine.run(run.id)
        present = now.call(call.proposal.call) if now else None
        if now is not None and present is not None and present.state is not CallState.ASKING:
            return await self._first_result(now, present)
        why = f"{refused.reason} {_SAME_KEY}" if refused.reason.startswith(_ANOTHER_KEY) else refused.reason
        result: Json = {"request_id": request_id_of(call), "resolved": False, "resumed": False, "approval": receipt}
        return {**result, "error": why, "response": await self._machine.finish(run.id)}

    async def _first_result(self, run: Run, call: Call) -> Json:
        """What came of a call that was decided before, here or in another process."""
        kept = self._results.get((run.id, call.proposal.call))
        if kept is not None:
            return kept
        response = await self._machine.finish(run.id)
        vote = call.approval.votes[-1] if call.approval and call.approval.votes else None
        word = call.approval.resolution.value if call.approval and call.approval.resolution else None
        receipt = {"status": word, "resolution": word, "comment": vote.comment if vote else None}
        return await self._kept(run.id, call, receipt, response, "")

    async def _kept(self, run_id: RunId, call: Call, receipt: Json, response: Json, why: str) -> Json:
        run = await self._machine.engine.run(run_id)
        now = run.call(call.proposal.call) if run else None
        result: Json = {"request_id": request_id_of(call), "resolved": True, "resumed": False, "approval": receipt}
        if now is not None and now.attempt:
            event = _last_event(response, run_id, now)
            result |= {"resumed": True, "tool_output": event["output"]}
            why = event["error"] or why
        if why:
            result["error"] = why
        result["response"] = response
        self._results[run_id, call.proposal.call] = result
        while len(self._results) > MOST_RESULTS:
            self._results.popitem(last=False)
        return result

    # --- a whole run, with a callback ---------------------------------------------------------------------------------------

    async def offer(self, run_id: RunId, response: Json, callback: Callback | None) -> Json:
        """Ask ``callback`` about every call that waits, as often as there is a new one; the last response, with
        ``approval_loop`` (the last call's) and ``approvals`` (each one's)."""
        offered: list[Json] = []
        seen: set[str] = set()
        while (next_one := await self._next(run_id, seen)) is not None:
            run, call = next_one
            assert call.approval is not None
            seen.add(call.approval.terms.approval)
            result = await self._offered(run, call, response, callback)
            response = result.pop("response", response)
            offered.append(result)
        last = offered[-1] if offered else {"required": False, "resolved": False, "resumed": False}
        return {**response, "approval_loop": last, "approvals": offered}

    async def _next(self, run_id: RunId, seen: set[str]) -> tuple[Run, Call] | None:
        run = await self._machine.engine.run(run_id)
        for call in run.calls if run else ():
            waits = call.state is CallState.ASKING and call.approval is not None
            if run is not None and waits and call.approval and call.approval.terms.approval not in seen:
                return run, call
        return None

    async def _offered(self, run: Run, call: Call, response: Json, callback: Callback | None) -> Json:
        open_still: Json = {"required": True, "resolved": False, "resumed": False}
        request_id = request_id_of(call)
        if not request_id:
            return {**open_still, "error": "missing_request_id"}
        context = {"request_id": request_id, "event": _last_event(response, run.id, call), "response": response}
        answer = await called_back(callback, context) if callback is not None else None
        if not answer:
            return {**open_still, "request_id": request_id}
        async with self._locks.setdefault(request_id, asyncio.Lock()):
            return {"required": True, **await self._answered(run, call, answer)}

    async def _answered(self, run: Run, call: Call, answer: object) -> Json:
        if isinstance(answer, str):
            answer = {"resolution": answer}
        if not isinstance(answer, dict):
            kind = type(answer).__name__
            return await self._decide(run, call, "denied", f"on_approval_required returned {kind}, not a resolution.")
        resolution, comment, changed = answer.get("resolution"), answer.get("comment"), answer.get("arguments")
        if changed is not None and _is_approved(resolution):
            return await self._edited(run, call, changed, comment)
        return await self._decide(run, call, resolution, comment)

    async def _edited(self, run: Run, call: Call, changed: object, comment: object) -> Json:
        """Other arguments than were asked about: they are validated and judged anew, and asked about anew where need be."""
        binding, old = call.proposal.binding, call.proposal
        name = edited_name(call)
        new = await self._machine.tools.propose_edit(name, old.wire, old.action, changed, THE_PROGRAM)
        if binding is not None and new.binding is not None and new.binding.arguments == binding.arguments:
            return await self._decide(run, call, "approved", comment)
        if new.binding is None or edits_of(call, run.calls) >= MOST_EDITS:
            why = new.refusal if new.binding is None else "It was changed too often."
            result = await self._decide(run, call, "denied", why)
            return {**result, "error": why}
        assert call.approval is not None
        outcome = await self._machine.engine.programs.edit(call.approval.terms.approval, THE_PROGRAM, new)
        if isinstance(outcome, Refused):
            raise ProviderResponseError(outcome.reason)
        response = await self._machine.finish(run.id)
        now = await self._machine.engine.run(run.id)
        became = now.call(new.call) if now else None
        edited: Json = {"request_id": request_id_of(call), "resolved": True, "resumed": False, "edited": True}
        if became is not None and became.attempt:
            edited |= {"resumed": True, "tool_output": _last_event(response, run.id, became)["output"]}
        return {**edited, "response": response}


def _is_approved(resolution: object) -> bool:
    return isinstance(resolution, str) and resolution.strip().casefold() == "approved"


def _last_event(response: Json, run_id: RunId, call: Call) -> Json:
    """The newest event of a call that has at least one."""
    of_call = f"{run_id}:{call.proposal.call}:"
    return next(event for event in reversed(response["execution"]["events"]) if event["event_id"].startswith(of_call))


def _is_about(call: Call, tool: str, checked: Checked) -> bool:
    binding = call.proposal.binding
    return call.proposal.action == tool and binding is not None and binding.arguments.encode() == checked.arguments
