"""The world outside the bot: what Slack shows, what BIGHUB was told, what the model was shown, what the actions did.

It is one file that is only appended to, a line by a single write, so it survives every death of the bot. Each life reads it first.
Like the real ones, the ports to Slack and BIGHUB look for what stands there already only where they are told that something may
(``again``; `bot/slack/posting.py`, `bot/bighub_reports.py`): whoever says so wrongly posts twice, and is seen.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.glass import Broken
from bot.core.inputs import Profile
from bot.core.moments import Moment
from bot.core.run import Run
from bot.core.values import ApprovalId, Judgement, Person, RunId, Verdict
from bot.ports import Posted, Prompt, Question, Reply

Line = dict[str, Any]


class Outside:
    """``lines``: everything that happened, by kind, in order. ``changed`` is called after each new line."""

    def __init__(self, path: Path) -> None:
        self.lines: dict[str, list[Line]] = defaultdict(list)
        self.changed: Callable[[], None] = lambda: None
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR)
        for line in path.read_text().splitlines():
            kind, what = json.loads(line)
            self.lines[kind].append(what)

    def tell(self, kind: str, **what: Any) -> None:
        os.write(self._file, json.dumps([kind, what]).encode() + b"\n")
        self.lines[kind].append(what)
        self.changed()

    def close(self) -> None:
        os.close(self._file)

    def told(self, kind: str, **like: Any) -> list[Line]:
        """The lines of a kind in which these fields are so."""
        wanted = like.items()
        return [line for line in self.lines[kind] if all(line.get(key) == value for key, value in wanted)]

    @property
    def clock(self) -> float:
        """How far the database's clock was moved, in seconds."""
        return float(sum(line["by"] for line in self.lines["clock"]))


class Slack:
    """The Chat port. ``gate`` is awaited whenever somebody is looked up: between an approval and its start a voter is."""

    def __init__(self, outside: Outside, gate: Callable[[], Any]) -> None:
        self._outside, self._gate = outside, gate

    async def profile(self, person: Person) -> Profile:
        await self._gate()
        return Profile(person, person.user, person.team)

    async def members(self, team: str, group: str) -> frozenset[str]:
        return frozenset()

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        key, channel = f"{run.id}:{call.proposal.call}", run.asked.place.channel
        known = self._outside.told("card", key=key) if again else []
        stands = (
            call.card.message if call.card else known[0]["ts"] if known else f"card-{len(self._outside.lines['card'])}"
        )
        opaque = call.question or (call.approval.terms.approval if call.approval else "")
        self._outside.tell("card", key=key, run=run.id, ts=stands, phase=call.phase, opaque=opaque, mark=mark_of(call))
        return Posted(channel, stands)

    async def post_reply(self, run: Run, key: str, text: str, *, again: bool = True) -> Posted:
        return self._post(run, key, text, None, again)

    async def post_notice(
        self,
        run: Run,
        key: str,
        text: str,
        retry: RunId | None = None,
        *,
        ends: ApprovalId | None = None,
        names: bool = False,
        again: bool = True,
    ) -> Posted:
        return self._post(run, key, text, retry, again)

    async def tell(self, run: Run, call: Call, user: str, key: str, text: str, *, again: bool = True) -> Posted:
        return self._post(run, key, text, None, again)

    async def announce_glass(self, run: Run, key: str, broken: Broken, channel: str, *, again: bool = True) -> Posted:
        return self._post(run, key, broken.reason, None, again)

    async def show_review(
        self, run: Run, key: str, broken: Broken, channel: str, stands: tuple[str, str] | None, *, again: bool = True
    ) -> Posted:
        """Bringing it up to date is noted like a post, whose place is the first one's."""
        posted = self._post(run, key, broken.reason, None, again)
        return Posted(*stands) if stands else posted

    async def show_thinking(self, run: Run) -> None:
        """Nothing depends on it."""

    async def whisper(self, person: Person, channel: str, thread: str, text: str) -> None:
        self._outside.tell("whisper", user=person.user, thread=thread, text=text)

    def _post(self, run: Run, key: str, text: str, retry: RunId | None, again: bool) -> Posted:
        known = self._outside.told("post", key=f"{run.id}:{key}") if again else []
        if not known:
            ts = f"{run.asked.place.thread}{len(self._outside.lines['post']):04}"  # later than the request
            self._outside.tell("post", key=f"{run.id}:{key}", run=run.id, ts=ts, text=text, retry=retry)
        return Posted(run.asked.place.channel, known[0]["ts"] if known else ts)


def mark_of(call: Call) -> str:
    """What its effect is known by in the world outside: an argument of the call."""
    assert call.proposal.binding is not None
    return str(json.loads(call.proposal.binding.arguments)["mark"])


class Bighub:
    """The Guard port. ``verdicts``: action → judgement."""

    name = "BIGHUB"

    def __init__(self, outside: Outside, verdicts: Callable[[str], Judgement]) -> None:
        self._outside, self._verdicts = outside, verdicts

    async def judge(self, question: Question) -> Judgement:
        """The same key is the same question, under the same name."""
        answer, known = self._verdicts(question.action), self._outside.told("judged", key=question.key)
        if known:
            return replace(answer, request_id=known[0]["name"])
        waits = answer.verdict is Verdict.ASK
        self._outside.tell("judged", key=question.key, run=question.run, name=answer.request_id, waits=waits)
        return answer

    async def report_resolution(self, run: Run, call: Call, approval: Approval | None, *, again: bool = True) -> None:
        name = call.judgement.request_id if call.judgement else ""
        self._report(f"{run.id}:resolution:{name}", str(approval and approval.resolution), again)

    async def report_outcome(self, run: Run, call: Call, *, again: bool = True) -> None:
        in_doubt = ":in_doubt" if call.state == "in_doubt" else ""
        self._report(f"{run.id}:outcome:{call.proposal.call}{in_doubt}", str(call.outcome), again)

    async def remember(self, run: Run, moments: Sequence[Moment]) -> None:
        for moment in moments:
            self._report(f"{run.id}:memory:{moment.id}", "", True)

    def _report(self, key: str, says: str, again: bool) -> None:
        if not again or not self._outside.told("report", key=key):
            self._outside.tell("report", key=key, says=says)


class Script:
    """The Model port: shown a prompt, it notes what it saw and answers by the flow's script, which hears whether an operator has
    mended the prompt's run."""

    def __init__(self, outside: Outside, script: Callable[[Prompt, bool], Reply]) -> None:
        self._outside, self._script = outside, script

    async def reply(self, prompt: Prompt) -> Reply:
        items = [item for item in prompt.items if isinstance(item, dict)]
        of = {
            kind: [item for item in items if item.get("type") == kind]
            for kind in ("function_call", "function_call_output")
        }
        outputs = [[item["call_id"], json.loads(item["output"])["status"]] for item in of["function_call_output"]]
        said = [item["content"] for item in items if item.get("role") == "user"]
        self._outside.tell(
            "prompt", run=prompt.run, calls=[c["call_id"] for c in of["function_call"]], outputs=outputs, said=said
        )
        return self._script(prompt, bool(self._outside.told("mended", run=prompt.run)))
