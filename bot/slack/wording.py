"""Slack's message text as people meant it: tokens flattened, entities undone, the bot's own mention removed. Pure.

Rule: an address is always shown, whatever label stands before it.
"""

import re

_TOKEN = re.compile(r"<([^<>\n]*)>")


def flattened(text: str, bot: str) -> str:
    """``text`` as the model reads it. Mentions of people stay ``<@U…>``; the mention of ``bot`` goes."""
    own = re.compile(rf"<@{re.escape(bot)}(?:\|[^<>]*)?>[ \t]*[:,]?[ \t]?") if bot else None
    text = own.sub("", text) if own else text
    shown = _TOKEN.sub(lambda match: _token(match[1], match[0]), text)
    return storable(shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip())


def storable(text: str) -> str:
    """``text`` without what no database takes: NUL and halves of surrogate pairs become U+FFFD."""
    return text.encode(errors="surrogatepass").decode(errors="replace").replace("\x00", "\ufffd")


def names(text: str, bot: str) -> bool:
    """Whether ``text`` mentions ``bot``."""
    return bool(bot) and re.search(rf"<@{re.escape(bot)}(?:\|[^<>]*)?>", text) is not None


def _token(inside: str, whole: str) -> str:
    target, _, label = inside.partition("|")
    match target[:1]:
        case "@":
            return f"<{target}>" + (f" ({label})" if label else "")
        case "#":
            return f"#{label} ({target[1:]})" if label else target
        case "!":
            return _special(target[1:], label)
        case "":
            return whole
        case _:
            return _link(target, label)


def _special(target: str, label: str) -> str:
    kind, _, rest = target.partition("^")
    match kind:
        case "subteam":
            return f"{label} ({rest})" if label else f"@{rest}"
        case "date":
            return label or rest
        case _:
            return f"@{label.lstrip('@') or kind}"


def _link(target: str, label: str) -> str:
    address = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in (address, target, re.sub(r"^https?://", "", target)):
        return address
    return f"{label} ({address})"
