"""The shape of a `rich_text` block: sections, lists, quotes, preformatted text and the runs inside them."""

from bot.slack import limits
from bot.workspace.blockkit.checks import Check, anything, array, boolean, by_type, integer, one_of, record, string

_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_style = record({}, dict.fromkeys(_STYLES, boolean))
_TYPE: dict[str, Check] = {"type": anything}
_STYLE: dict[str, Check] = {"style": _style}

_text = record({**_TYPE, "text": string()}, _STYLE)
_link = record({**_TYPE, "url": string()}, {**_STYLE, "text": string(least=0), "unsafe": boolean})
RUNS: dict[str, Check] = {
    "text": _text,
    "link": _link,
    "user": record({**_TYPE, "user_id": string()}, _STYLE),
    "usergroup": record({**_TYPE, "usergroup_id": string()}, _STYLE),
    "channel": record({**_TYPE, "channel_id": string()}, _STYLE),
    "team": record({**_TYPE, "team_id": string()}, _STYLE),
    "emoji": record({**_TYPE, "name": string()}, {**_STYLE, "unicode": string(), "skin_tone": integer(1, 6)}),
    "broadcast": record({**_TYPE, "range": one_of("here", "channel", "everyone")}, _STYLE),
    "color": record({**_TYPE, "value": string()}, _STYLE),
    "date": record(
        {**_TYPE, "timestamp": integer(0)},
        {**_STYLE, "format": string(), "url": string(), "fallback": string()},
    ),
}
_runs = array(by_type(RUNS), least=0)
_section = record({**_TYPE, "elements": _runs})
_preformatted = record(
    {**_TYPE, "elements": array(by_type({"text": _text, "link": _link}), least=0)},
    {"border": integer(0, 1), "language": string()},
)
_quote = record({**_TYPE, "elements": _runs}, {"border": integer(0, 1)})
_list = record(
    {
        **_TYPE,
        "style": one_of("bullet", "ordered"),
        "elements": array(by_type({"rich_text_section": _section})),
    },
    {"indent": integer(0, limits.RICH_TEXT_INDENT), "offset": integer(0), "border": integer(0, 1)},
)

rich_text = record(
    {
        **_TYPE,
        "elements": array(
            by_type(
                {
                    "rich_text_section": _section,
                    "rich_text_preformatted": _preformatted,
                    "rich_text_quote": _quote,
                    "rich_text_list": _list,
                }
            )
        ),
    },
    {"block_id": string(limits.BLOCK_ID)},
)
