"""What the model writes, as rich_text: paragraphs, headings, lists, **bold**, *italic*, `code`, fenced code, tables.

Rule 1: nothing is lost: every character that is not a mark of formatting is shown.
Rule 2: nothing becomes live: links show their address as text, and only who and what is named in ``people`` can be mentioned.
Rule 3: what is not clearly formatting stays as it was written; underscores are part of names, so they never format.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bot.slack.blocks import Block, Run, channel_mention, chunks, group_mention, mention, preformatted, said, section

PIECE: Final = 2_000
"""Characters of source in one element; a longer paragraph goes into several."""

_FENCE = re.compile(r"\s{0,3}(```+|~~~+)([^`]*)$")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(\S.*?)\s*#*\s*$")
_BULLET = re.compile(r"(\s*)[-*•+]\s+(?=\S)")
_ORDERED = re.compile(r"(\s*)(\d{1,6})[.)]\s+(?=\S)")
_INLINE = re.compile(
    r"(?P<code>`[^`\n]+`)"
    r"|(?P<bold>\*\*(?=\S)[^*\n]*[^*\s]\*\*)"
    r"|(?P<italic>(?<![\w*])\*(?=[\w(\"“])[^*\n]*(?<=[^\s*])\*(?![\w*]))"
    r"|(?P<link>!?\[[^\]\n]{1,500}\]\([^()\s]{1,2000}\))"
    r"|(?P<user><@[UW][A-Z0-9]{1,30}(?:\|[^>\n]{0,80})?>)"
)
_LINK = re.compile(r"!?\[([^\]\n]+)\]\(([^()\s]+)\)")
_USER = re.compile(r"<@([UW][A-Z0-9]+)")
_NAMED = re.compile(
    r"<@(?P<token>[UW][A-Z0-9]{1,30})>|\buser:(?P<user>[UW][A-Z0-9]{1,30})\b|\bgroup:(?P<group>S[A-Z0-9]{1,30})\b"
)


def elements(text: str, people: frozenset[str] = frozenset()) -> Iterator[Block]:
    """The elements of a rich_text block that show ``text``. ``people``: the ids of users who may be mentioned."""
    lines = text.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        made, at = _next(lines, at, people)
        yield from made


def runs(text: str, people: frozenset[str] = frozenset()) -> list[Run]:
    """One paragraph's text with its inline formatting."""
    found: list[Run] = []
    end = 0
    for match in _INLINE.finditer(text):
        if match.start() > end:
            found.append(said(text[end : match.start()]))
        found.append(_inline(match, people))
        end = match.end()
    if end < len(text):
        found.append(said(text[end:]))
    return found


def plain_runs(text: str, people: frozenset[str]) -> list[Run]:
    """Text without any formatting but the mentions of ``people``, and of channels among them."""
    found: list[Run] = []
    for part in re.split(r"(<@[UW][A-Z0-9]{1,30}>|<#[CDG][A-Z0-9]{1,30}>)", text):
        if part[:2] in ("<@", "<#") and part[2:-1] in people:
            found.append(mention(part[2:-1]) if part[1] == "@" else channel_mention(part[2:-1]))
        elif part:
            found.append(said(part))
    return found


def named_runs(text: str) -> list[Run]:
    """Signoff's own text: everybody and every group that it names as ``<@U…>``, ``user:U…`` or ``group:S…`` is a mention."""
    found: list[Run] = []
    end = 0
    for match in _NAMED.finditer(text):
        found += [said(text[end : match.start()])] if match.start() > end else []
        found.append(group_mention(match["group"]) if match["group"] else mention(match["token"] or match["user"]))
        end = match.end()
    return found + ([said(text[end:])] if end < len(text) else [])


def _inline(match: re.Match[str], people: frozenset[str]) -> Run:
    text = match[0]
    match match.lastgroup:
        case "code":
            return said(text[1:-1], "code")
        case "bold":
            return said(text[2:-2], "bold")
        case "italic":
            return said(text[1:-1], "italic")
        case "link":
            link = _LINK.fullmatch(text)
            label, url = (link[1], link[2]) if link else (text, text)
            return said(url if label == url else f"{label} ({url})")
        case _:
            user = _USER.match(text)
            return mention(user[1]) if user and user[1] in people else said(text)


def _next(lines: Sequence[str], at: int, people: frozenset[str]) -> tuple[list[Block], int]:
    line = lines[at]
    if not line.strip():
        return [], at + 1
    if (fence := _FENCE.match(line)) and (end := _fence_end(lines, at, fence[1])) is not None:
        return _code("\n".join(lines[at + 1 : end]), fence[2].strip()), end + 1
    if line.lstrip().startswith("|") and at + 1 < len(lines) and lines[at + 1].lstrip().startswith("|"):
        end = _while(lines, at, lambda each: each.lstrip().startswith("|"))
        return _code("\n".join(lines[at:end]), ""), end
    if heading := _HEADING.match(line):
        return [section([said(piece, "bold")]) for piece in chunks(heading[1] + "\n", PIECE)], at + 1
    if (listed := _list(lines, at, people)) is not None:
        return listed
    end = _while(lines, at + 1, lambda each: bool(each.strip()) and not _begins(each))
    paragraph = "\n".join(lines[at:end]) + "\n"
    return [section(runs(piece, people)) for piece in chunks(paragraph, PIECE)], end


def _begins(line: str) -> bool:
    """Whether a line begins something other than a continued paragraph."""
    return any(pattern.match(line) for pattern in (_FENCE, _HEADING, _BULLET, _ORDERED)) or line.lstrip().startswith(
        "|"
    )


def _while(lines: Sequence[str], at: int, holds: Callable[[str], bool]) -> int:
    while at < len(lines) and holds(lines[at]):
        at += 1
    return at


def _fence_end(lines: Sequence[str], at: int, mark: str) -> int | None:
    return next((n for n in range(at + 1, len(lines)) if lines[n].strip() == mark), None)


def _code(text: str, language: str) -> list[Block]:
    made = [preformatted(chunk) for chunk in chunks(text, PIECE) if chunk]
    label = [section([said(language, "italic")])] if language else []
    return label + made


def _list(lines: Sequence[str], at: int, people: frozenset[str]) -> tuple[list[Block], int] | None:
    """A run of items of one kind and depth; None where the lines at ``at`` are no list that Slack would show alike."""
    pattern = _BULLET if _BULLET.match(lines[at]) else _ORDERED
    first = pattern.match(lines[at])
    if first is None or (pattern is _ORDERED and int(first[2]) < 1):
        return None
    end = at
    items: list[Block] = []
    while end < len(lines) and (item := pattern.match(lines[end])) and item[1] == first[1] and len(lines[end]) <= PIECE:
        if pattern is _ORDERED and int(item[2]) != int(first[2]) + len(items):
            break
        items.append(section(runs(lines[end][item.end() :], people)))
        end += 1
    if not items:
        return None
    return [_listed(first, items, ordered=pattern is _ORDERED)], end


def _listed(first: re.Match[str], items: list[Block], *, ordered: bool) -> Block:
    made: Block = {"type": "rich_text_list", "style": "ordered" if ordered else "bullet", "elements": items}
    indent = min(8, len(first[1].expandtabs(4)) // 2)
    if indent:
        made["indent"] = indent
    if ordered and int(first[2]) != 1:
        made["offset"] = int(first[2]) - 1
    return made
