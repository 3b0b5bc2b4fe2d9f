"""The few Block Kit shapes that cards, views and replies are made of. Pure; what they say is decided elsewhere.

Rule 1: untrusted text goes into ``plain_text`` or into rich_text elements, where Slack parses nothing.
Rule 2: nothing here makes a ``mrkdwn`` object.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.core.visible import visible
from bot.slack import limits

Block: TypeAlias = dict[str, Any]
Run: TypeAlias = dict[str, Any]
"""One element of a rich_text section: text, a mention, a date, a link."""

REASON = 600
"""Characters of a reason on a card; Details show all."""
NOT_ALONE = ", whose approval alone is not enough"
SHORTENED = " … (shortened)"
"""What stands behind untrusted text that was cut."""

CHUNK = 2_900
"""Characters in one preformatted block: below what a text object may hold."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: ``text`` is complete by itself (notifications, screen readers) and already escaped."""

    text: str
    blocks: tuple[Block, ...]


def escaped(text: str) -> str:
    """``text`` for a message's top-level ``text``, where Slack would parse ``<…>`` tokens."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str, most: int | None = None) -> str:
    """Untrusted text on one line, with what nobody could see made visible; past ``most`` it says that it is shortened."""
    line = visible(" ".join(text.split()))
    return line if most is None or len(line) <= most else line[: most - len(SHORTENED)].rstrip() + SHORTENED


def seen(text: str) -> str:
    """Untrusted text in its own lines, with what nobody could see made visible."""
    return "\n".join(visible(each) for each in text.split("\n"))


# --- elements of a rich_text section --------------------------------------------------------------------------------


def said(text: str, *styles: str) -> Run:
    """A piece of text; ``styles`` are "bold", "italic", "code"."""
    run: Run = {"type": "text", "text": text}
    return run | {"style": dict.fromkeys(styles, True)} if styles else run


def mention(user: str) -> Run:
    return {"type": "user", "user_id": user}


def group_mention(group: str) -> Run:
    return {"type": "usergroup", "usergroup_id": group}


def channel_mention(channel: str) -> Run:
    return {"type": "channel", "channel_id": channel}


def as_text(runs: Iterable[Run]) -> str:
    """The same as a message's top-level ``text``: mentions stay alive there, and nothing else does."""
    return "".join(_as_text(run) for run in runs)


def _as_text(run: Run) -> str:
    match run["type"]:
        case "user":
            return f"<@{run['user_id']}>"
        case "channel":
            return f"<#{run['channel_id']}>"
        case "usergroup":
            return f"<!subteam^{run['usergroup_id']}>"
        case "date":
            return str(run["fallback"])
        case _:
            return escaped(str(run["text"]))


def moment(at: float) -> Run:
    """A time in the reader's own time zone. ``at`` in epoch seconds."""
    return {
        "type": "date",
        "timestamp": max(0, int(at)),
        "format": "{date_short_pretty} {time}",
        "fallback": utc(at),
    }


def utc(at: float) -> str:
    """``2026-01-31 16:04 UTC``, computed without a clock or a locale."""
    days, seconds = divmod(int(at), 86_400)
    year, month, day = _civil(days)
    return f"{year:04}-{month:02}-{day:02} {seconds // 3600:02}:{seconds % 3600 // 60:02} UTC"


def _civil(days: int) -> tuple[int, int, int]:
    """Days since 1970-01-01 as a date (Howard Hinnant's civil_from_days)."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


# --- blocks ---------------------------------------------------------------------------------------------------------


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text)}


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def context(text: str) -> Block:
    return {"type": "context", "elements": [plain(text)]}


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def section(runs: Iterable[Run]) -> Block:
    return {"type": "rich_text_section", "elements": list(runs)}


def line(*runs: Run) -> Block:
    """A block of one line."""
    return rich(section(runs))


def preformatted(text: str) -> Block:
    return {"type": "rich_text_preformatted", "elements": [said(text)]}


def verbatim(text: str, size: int = CHUNK) -> Iterator[Block]:
    """``text`` in preformatted blocks; joined with nothing between, they are ``text`` again."""
    for chunk in chunks(text, size):
        yield rich(preformatted(chunk))


def chunks(text: str, size: int) -> Iterator[str]:
    """``text`` in pieces of at most ``size`` characters, cut after line feeds where there are any; nothing is lost."""
    while len(text) > size:
        cut = text.rfind("\n", 0, size) + 1 or size
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def button(text: str, action: str, value: str, label: str, style: str | None = None) -> Block:
    """A button; ``label`` is what screen readers say."""
    made: Block = {
        "type": "button",
        "text": plain(text),
        "action_id": action,
        "value": value,
        "accessibility_label": label[: limits.BUTTON_ACCESSIBILITY_LABEL],
    }
    return made | {"style": style} if style else made


def confirmed(made: Block, title: str, text: str, go: str) -> Block:
    """A button that asks once more."""
    dialog = {"title": plain(title), "text": plain(text), "confirm": plain(go), "deny": plain("Cancel")}
    return made | {"confirm": dialog}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def with_ids(blocks: Sequence[Block], prefix: str) -> tuple[Block, ...]:
    """The blocks with fresh ids: Slack wants new ones whenever a message is updated. Ids that are there already stay."""
    return tuple({"block_id": f"{prefix}.{index}", **block} for index, block in enumerate(blocks))


# --- sizes ----------------------------------------------------------------------------------------------------------


def weight(value: object) -> int:
    """What Slack counts against ``limits.MESSAGE_BLOCKS_CHARACTERS``: all text, and a little for each object."""
    match value:
        case Mapping():
            text = value.get("text")
            own = len(text) if isinstance(text, str) else 0
            return own + limits.MESSAGE_BLOCKS_PER_OBJECT + sum(weight(each) for each in value.values())
        case list() | tuple():
            return sum(weight(each) for each in value)
        case _:
            return 0


def shortened(blocks: Iterable[Block]) -> bool:
    """Whether anything in ``blocks`` was cut by `one_line`. Text that pretends to be costs a button, no more."""
    return any(SHORTENED in json.dumps(block, ensure_ascii=False) for block in blocks)


def size_of(view: Block) -> int:
    """The bytes of a view as the SDK sends it."""
    return len(json.dumps(view).encode())
