"""How Slack rewrites message text: control characters escaped, mention and link tokens kept, bare URLs linked. Pure."""

import re

_TOKEN = re.compile(
    r"<(?:@[UW][A-Z0-9]+(?:\|[^<>]*)?|#[CG][A-Z0-9]+(?:\|[^<>]*)?|!(?:here|channel|everyone)(?:\|[^<>]*)?"
    r"|!subteam\^S[A-Z0-9]+(?:\|[^<>]*)?|!date\^[^<>]+|(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>]*)?)>"
)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")
_BARE_URL = re.compile(r"https?://[^\s<>|`\"']+[^\s<>|`\"'.,;:!?)\]}]")


def normalised(text: str) -> str:
    """The text as Slack stores and sends it on. Escaping twice is harmless: entities are kept."""
    pieces: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        pieces += [_escaped(text[end : token.start()]), token.group()]
        end = token.end()
    return "".join([*pieces, _escaped(text[end:])])


def mentions(text: str, user_id: str) -> bool:
    return f"<@{user_id}>" in text or f"<@{user_id}|" in text


def _escaped(text: str) -> str:
    plain = _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    return _BARE_URL.sub(lambda match: f"<{match.group()}>", plain)
