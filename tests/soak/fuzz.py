"""T6: what BIGHUB answers, what a card shows, and what a stored approval becomes when somebody changes the database.

Everything is made from the seed. What counts as a violation is said beside each figure. Short form: `tests/soak/test_fuzz.py`.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.actions import Registry, define
from bot.bighub_guard import BighubGuard
from bot.core.canonical import canonical_bytes, parse_lines
from bot.core.events import ModelReplied
from bot.core.values import Judgement, Person, Verdict
from bot.ports import Rejected, Unavailable, Wish
from bot.slack.cards import card
from bot.slack.views import Subject, fits_review, review_view
from bot.sql.codec import decode, encode
from tests.actions.test_registry import OPEN
from tests.bighub_cases import BINDING, question
from tests.core.test_verdict_product import ABSENT, NEWER, OLDER, conditional, executes, sdk_would_run, stops
from tests.core.test_visible import test_s5_every_code_point_survives_the_escaping_and_none_hides as every_code_point
from tests.servers.bighub_server import API_KEY, running_bighub
from tests.servers.faults import Empty, Fault, Hang, Html
from tests.slack.made import APPROVAL, CARD, asked_run, call_of
from tests.slack.reading import buttons, preformatted, shown_arguments
from tests.soak.report import Line
from tests.soak.tampering import changed_rows

ANSWERS, ARGUMENT_SETS, AT_ONCE = 10_000, 50_000, 16
PATIENCE = 0.5
SOONER = 0.004
"""Seconds after which an answer is not waited for any more: the server has judged by then, or has not."""


def soak(seed: int, share: float) -> Iterator[Line]:
    yield every_product(seed)
    yield asyncio.run(answers_over_http(seed, max(60, int(ANSWERS * share))))
    yield asyncio.run(argument_sets(seed, max(60, int(ARGUMENT_SETS * share))))
    if share >= 1.0:
        yield code_points(seed)
    yield from changed_rows(seed, share)


# --- R8 -------------------------------------------------------------------------------------------------------------


def every_product(seed: int) -> Line:
    """Violation: an answer that executes although a signal stops it, or the SDK itself would not run it."""
    began, total, allowed = time.monotonic(), 0, []
    for product in (OLDER, NEWER):
        count, executed = executes(product)
        total, allowed = total + count, [*allowed, *executed]
    wrong = [answer for answer in allowed if stops(answer) or conditional(answer) or not sdk_would_run(answer)]
    work = f"{total:,} answers read, {len(allowed):,} executed"
    floor = total >= 15_360 + 82_944 and len(allowed) > 100
    return Line(
        "T6", "R8", "every combination of decision signals", work, len(wrong), floor, seed, time.monotonic() - began
    )


UNKNOWN: tuple[Any, ...] = (
    "surely",
    "",
    "ALLOWED!",
    7,
    0,
    [],
    ["proceed"],
    {},
    {"mode": "autonomous"},
    True,
    1e308,
    "\u202eproceed",
)
STATUSES = (301, 400, 401, 403, 404, 408, 409, 418, 422, 425, 429, 500, 502, 503, 504)
SIGNALS = tuple({**OLDER, **NEWER})


class Fuzzed:
    """One answer that the server gives, whatever is asked; ``honest`` is the decision where it is a whole one."""

    def __init__(self, chance: random.Random) -> None:
        product = chance.choice((OLDER, NEWER))
        answer = {name: value for name, values in product.items() if (value := chance.choice(values)) is not ABSENT}
        if chance.random() < 0.3:
            answer = dict(chance.choice(PERMISSIONS))
        for name in chance.sample(SIGNALS, chance.choice((0, 0, 1, 2))):
            answer[name] = chance.choice(UNKNOWN)
        self.kind = chance.choices(
            ("whole", "lost", "cut", "status", "page", "empty", "other", "hang"), (50, 5, 10, 20, 5, 3, 6, 1)
        )[0]
        self.decision = answer
        self.honest = answer if self.kind in ("whole", "lost") else None
        text = json.dumps({"request_id": "r", **answer})
        self.fault: Any = {
            "cut": Fault(200, text[: chance.randrange(len(text))]),
            "status": Fault(chance.choice(STATUSES), text),
            "page": Html(chance.choice((200, 200, 403, 502))),
            "empty": Empty(),
            "other": Fault(
                200, chance.choice(("[]", "7", "null", '"proceed"', "true", f"[{text}]", text + text, "\u2028", ""))
            ),
            "hang": Hang(PATIENCE * 4),
        }.get(self.kind)


PERMISSIONS = (
    {"mode": "autonomous", "can_run": True},
    {"recommendation": "proceed"},
    {"allowed": True, "result": "allowed"},
)


async def answers_over_http(seed: int, number: int) -> Line:
    """Violation: an action that was allowed although the server's answer was not a whole decision that allows it."""
    began, chance = time.monotonic(), random.Random(seed)
    fuzzed = {f"run:{n}": Fuzzed(chance) for n in range(number)}
    kinds: dict[str, int] = {}
    wrong = executed = missed = 0
    async with running_bighub() as server:

        def rules(body: dict[str, Any]) -> Any:
            return (each := fuzzed[body["context"]["digest"]]).fault or each.decision

        server.rules = rules
        guard = BighubGuard(API_KEY, server.url, timeout=PATIENCE)
        judge = Asking(guard)
        for start in range(0, number, AT_ONCE):
            keys = list(fuzzed)[start : start + AT_ONCE]
            for key, judgement in zip(
                keys, await asyncio.gather(*(judge.asked(key, fuzzed[key]) for key in keys)), strict=True
            ):
                each = fuzzed[key]
                kinds[each.kind] = kinds.get(each.kind, 0) + 1
                may = each.honest is not None and every_signal_allows(each.honest)
                allowed = judgement is not None and judgement.verdict is Verdict.ALLOW
                executed, wrong, missed = (
                    executed + allowed,
                    wrong + (allowed and not may),
                    missed + (may and not allowed),
                )
        await guard.close()
    work = f"{number:,} answers over HTTP ({', '.join(f'{count:,} {kind}' for kind, count in sorted(kinds.items()))})"
    figure = f"{executed:,} executed, {missed:,} asked about although nothing stops them"
    floor = executed >= number // 100 and len(kinds) >= 7
    return Line("T6", "R8 S22", "fuzzed answers of BIGHUB", work, wrong, floor, seed, time.monotonic() - began, figure)


def every_signal_allows(answer: dict[str, Any]) -> bool:
    """By the SDK's own reading and the words of the answer; a share of 100 % or more is no condition."""
    share = answer.get("max_percentage")
    whole = share == "" or (isinstance(share, int | float) and share >= 100)
    rest = {name: value for name, value in answer.items() if name != "max_percentage" or not whole}
    return not stops(rest) and not conditional(rest) and sdk_would_run(rest)


class Asking:
    """Asks as the engine does: what is away is asked again with the same key, what refuses is blocked."""

    def __init__(self, guard: BighubGuard) -> None:
        self._guard, self._lost = guard, set[str]()

    async def asked(self, key: str, each: Fuzzed) -> Judgement | None:
        asked = replace(question(key), binding=replace(BINDING, digest=key))
        for _ in range(2):
            try:
                if each.kind == "lost" and key not in self._lost:
                    self._lost.add(key)
                    await asyncio.wait_for(self._guard.judge(asked), SOONER)
                return await self._guard.judge(asked)
            except (Unavailable, TimeoutError):
                continue
            except Rejected:
                return None
        return None


# --- R6, S5 ---------------------------------------------------------------------------------------------------------

RECEIVED: list[Any] = []


def take(**arguments: Any) -> None:
    RECEIVED.append(arguments)


REGISTRY = Registry([define(take, parameters_schema=OPEN, strict=False, system="okta", risk="high")])
ALPHABETS = (
    "abcXYZ019 _-./",
    "äßéøñçğ",
    "日本語한국어ไทย",
    "\u200b\u202e\u2066\u00ad\ufeff\U000e0041",
    "\n\t\r\x00\x1b\\\"'{}[]:,",
    "🦊👩\u200d🚀",
    "аеорсух",
)


async def argument_sets(seed: int, number: int) -> Line:
    """Violation: a byte that differs between what the model wished, what the card or its view shows, what survives the database
    and what the action receives."""
    began, chance = time.monotonic(), random.Random(seed)
    wrong = reviewed = hidden = size = 0
    for n in range(number):
        wished = arguments(chance, huge=n % 400 == 0)
        differs, place, length = await difference(wished)
        wrong, size = wrong + differs, size + length
        reviewed, hidden = reviewed + (place == "view"), hidden + (place == "nowhere")
    work = f"{number:,} argument sets, {size / 1e6:,.1f} MB of them shown, parsed back and received"
    figure = f"{reviewed:,} by the review view, {hidden:,} too long for Slack and without Approve"
    floor = size > number * 20 and reviewed > 0 and hidden < number // 50
    return Line("T6", "R6 S4 S8", "generated arguments", work, wrong, floor, seed, time.monotonic() - began, figure)


def arguments(chance: random.Random, *, huge: bool) -> dict[str, Any]:
    if huge:
        return {text(chance, 20): text(chance, chance.randrange(5_000, 40_000)) for _ in range(chance.randrange(1, 4))}
    return {text(chance, 12): value(chance, chance.choice((0, 1, 1, 2, 6))) for _ in range(chance.randrange(7))}


def text(chance: random.Random, most: int) -> str:
    length = chance.randrange(most + 1)
    if chance.random() < 0.2:
        points = (chance.randrange(0x110000) for _ in range(length))
        return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)
    return "".join(chance.choices("".join(chance.sample(ALPHABETS, 2)), k=length))


def value(chance: random.Random, depth: int) -> Any:
    if depth and chance.random() < 0.6:
        inner = [value(chance, depth - 1) for _ in range(chance.randrange(4))]
        return inner if chance.random() < 0.5 else {text(chance, 6): each for each in inner}
    whole = chance.randrange(-(10 ** chance.choice((1, 9, 30))), 10**30)
    number = chance.choice((0.0, -0.0, 1e-300, 1.5e300, 0.1, chance.random() * 10 ** chance.randrange(-20, 20)))
    return chance.choice((None, True, False, whole, number, text(chance, 40), text(chance, 200)))


async def difference(wished: dict[str, Any]) -> tuple[bool, str, int]:
    """Whether anything differs, where the arguments are shown whole, and their length in bytes."""
    raw = canonical_bytes(wished)
    proposal = await REGISTRY.propose("c1", Wish("w1", "take", json.dumps(wished)), Person("T0ACME", "U0ALICE"))
    if proposal.binding is None:
        return True, proposal.refusal, 0
    run = asked_run(proposal.binding)
    stored = encode(ModelReplied("[]", "", (proposal,), 1))
    kept = decode(stored.kind, stored.body, stored.contents)
    assert isinstance(kept, ModelReplied)
    RECEIVED.clear()
    ran = await REGISTRY.run(kept.proposals[0], "attempt")
    received = ran.ok and canonical_bytes(RECEIVED[0]) == raw
    place, shown = where_it_is_shown(run)
    same = shown is None or canonical_bytes(shown) == raw
    return not (received and same and proposal.binding.arguments.encode() == raw), place, len(raw)


def where_it_is_shown(run: Any) -> tuple[str, dict[str, Any] | None]:
    """The card where Approve stands beside all bytes, else the review view, else nowhere; and the arguments as read off there."""
    blocks: Any = card(run, call_of(run)).blocks
    if "approve" in buttons(blocks):
        says = [block for block in blocks if "agent says" not in json.dumps(block)]
        return "card", shown_arguments(says)
    if not fits_review(call_of(run)):
        return "nowhere", None
    text = preformatted(review_view(run, call_of(run), Subject(APPROVAL, "C0OPS", CARD))["blocks"])
    return "view", dict(parse_lines(text.split("\n")))


def code_points(seed: int) -> Line:
    """Violation: a code point that is shown as it is and should not be, or is not got back."""
    began = time.monotonic()
    every_code_point()
    work = f"{sys.maxunicode + 1:,} code points shown and read back"
    return Line("T6", "S5", "every code point", work, 0, True, seed, time.monotonic() - began)
