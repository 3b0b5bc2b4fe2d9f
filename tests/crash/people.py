"""People: what they write and click in the thread of a flow. Whatever they do is read off what they see, so that in each life they do
what the last one did not take from them any more.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from bot.core.inputs import Clicked, Input, Wrote
from bot.core.run import Run
from bot.core.values import ApprovalId, Person, Place
from bot.ports import InboxRow
from tests.crash.flows import ALICE, BOB, CAROL, CHANNEL, TEAM, Flow
from tests.crash.outside import Outside


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
            if post["run"] in {run.id for run in mine} and ":review:" in post["key"]:
                opaque = post["key"].rpartition(":")[2]
                yield post["key"], Clicked(CAROL, "reviewed", opaque, CHANNEL, post["ts"])
            if post["run"] in {run.id for run in mine} and self._is_question(post):
                yield post["key"], Wrote(ALICE, self.place, f"{post['ts']}1", "The second one, please.", False)

    def _on_card(self, line: Mapping[str, str], mine: list[Run], outside: Outside) -> Iterator[tuple[str, Input]]:
        phase, opaque, flow = str(line["phase"]), line["opaque"], self.flow
        if phase.startswith("asking:"):
            if flow.says:
                yield self._key("hurry"), Wrote(BOB, self.place, f"{self.number}.000200", "Hurry!", False)
                if not any(len(run.said) > 1 for run in mine):
                    return
            if not self._waits(line["run"], outside):
                yield from self._on_question(line, mine)
        elif phase == "expired":
            yield f"{opaque}:late", Clicked(CAROL, "approve", opaque, CHANNEL, line["ts"])
        elif phase == "in_doubt":
            happened = outside.told("effect", mark=line["mark"])
            truth = "did_run" if happened else "did_not_run"
            answer = truth if flow.doubt == "truth" else flow.doubt
            yield f"{opaque}:{answer}", Clicked(CAROL, answer, opaque, CHANNEL, line["ts"])

    def _on_question(self, line: Mapping[str, str], mine: list[Run]) -> Iterator[tuple[str, Input]]:
        """What people do with a card that asks them."""
        opaque, ts = line["opaque"], line["ts"]
        first = line["mark"] in {f"{line['run']}:{name}" for name in self.flow.wants}
        match self.flow.card if first else "approve":
            case "edit":
                changed = json.dumps({"mark": f"{line['run']}:edited"})
                yield f"{opaque}:edit", Clicked(ALICE, "edit", opaque, CHANNEL, ts, arguments=changed)
            case "withdraw":
                yield f"{opaque}:withdraw", Clicked(ALICE, "withdraw", opaque, CHANNEL, ts)
            case "deny" | "safer" as choice:
                yield f"{opaque}:{choice}", Clicked(CAROL, choice, opaque, CHANNEL, ts)
            case "ask":
                yield f"{opaque}:ask", Clicked(CAROL, "ask", opaque, CHANNEL, ts, "Which one?")
                asked = [call for run in mine if (call := run.call_of(ApprovalId(opaque))) is not None]
                # Of this very card: who approves before the answer to it leaves that answer to begin a run of its own.
                if any(inquiry.answer for call in asked for inquiry in call.inquiries):
                    yield f"{opaque}:approve", Clicked(CAROL, "approve", opaque, CHANNEL, ts)
            case "alone" if "-" not in line["key"]:
                yield f"{opaque}:alone", Clicked(BOB, "break_glass", opaque, CHANNEL, ts, "The site is down.")
            case "approve" | "cancel" | "freeze" | "alone":
                # People are asked anew about what they said did not run; they have changed their minds.
                choice = "deny" if self.flow.doubt == "did_not_run" and "-" in line["key"] else "approve"
                for voter in self.flow.voters:
                    yield f"{opaque}:{choice}:{voter.user}", Clicked(voter, choice, opaque, CHANNEL, ts)

    def _waits(self, run: str, outside: Outside) -> bool:
        """Whether nobody touches the card yet: its time has not passed, or people have not been reminded of it."""
        moved = bool(outside.told("clock", run=run)) or self.flow.card == "alone"
        reminded = any(":remind:" in post["key"] for post in outside.told("post", run=run))
        return (bool(self.flow.waits) and not moved) or (self.flow.name == "reminded" and not reminded)

    def waits_for_time(self, known: Iterable[Run], outside: Outside) -> str | None:
        """The run whose card is shown and that nobody touches until the clock was moved by ``flow.waits``; or that is reviewed then."""
        kind, keys = ("post", ":glass:") if self.flow.card == "alone" else ("card", "")
        shown = {line["run"] for line in outside.lines[kind] if keys in line["key"]}
        mine = (run.id for run in self.runs(known) if run.id in shown and not outside.told("clock", run=run.id))
        return next(mine, None) if self.flow.waits else None

    @staticmethod
    def _is_question(post: Mapping[str, str]) -> bool:
        """Whether the requester is asked something: by the guard, or by somebody who is to decide."""
        return ":question:" in post["key"] or ":inquiry:" in post["key"]

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
