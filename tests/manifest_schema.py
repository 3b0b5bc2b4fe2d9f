"""What Slack accepts as an app manifest, as a JSON Schema (draft 7) for the parts that Signoff may use.

The facts (keys, counts, lengths, patterns) are those of Slack's published schema, version 2, in slackapi/manifest-schema; the
wording is ours. Parts that Signoff has no use for (workflows, datastores, hosted functions) are left out, and so are refused.
"""

from typing import Any

Schema = dict[str, Any]

FLAG: Schema = {"type": "boolean"}


def text(longest: int, shortest: int = 0, pattern: str | None = None) -> Schema:
    """A string of ``shortest`` to ``longest`` characters."""
    return {"type": "string", "minLength": shortest, "maxLength": longest} | ({"pattern": pattern} if pattern else {})


def thing(properties: dict[str, Schema], *required: str) -> Schema:
    """An object with these keys and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def some(items: Schema, most: int, least: int = 0, unique: bool = False) -> Schema:
    """A list of ``least`` to ``most`` items."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most, "uniqueItems": unique}


def web_address(longest: int) -> Schema:
    return text(longest, pattern="^https?://")


SCOPES = some(text(50), most=255)
EVENTS = some(text(50), most=100, unique=True)
PROMPT = thing({"title": {"type": "string"}, "message": {"type": "string"}}, "title", "message")

DISPLAY = thing(
    {
        "name": text(35, 1),
        "description": text(140, 1),
        "long_description": text(4000, 175),
        "background_color": text(7, 4, "^#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$"),
    },
    "name",
)
COMMAND = thing(
    {
        "command": text(32, 2, "^/"),
        "description": text(2000, 1),
        "usage_hint": text(1000, 1),
        "url": web_address(3000),
        "should_escape": FLAG,
    },
    "command",
    "description",
)
SHORTCUT = thing(
    {
        "name": text(24, 1),
        "type": {"enum": ["message", "global"]},
        "callback_id": text(255, 1),
        "description": text(150, 1),
    },
    "name",
    "type",
    "callback_id",
    "description",
)
FEATURES = thing(
    {
        "app_home": thing(
            {"home_tab_enabled": FLAG, "messages_tab_enabled": FLAG, "messages_tab_read_only_enabled": FLAG}
        ),
        "bot_user": thing(
            {"display_name": text(80, 1, "^[a-z0-9._-]+$"), "always_online": FLAG},
            "display_name",
        ),
        "slash_commands": some(COMMAND, most=50, least=1),
        "shortcuts": some(SHORTCUT, most=10, least=1),
        "agent_view": thing({"agent_description": text(300), "suggested_prompts": some(PROMPT, most=4)}),
    }
)
OAUTH = thing(
    {
        "redirect_urls": some(text(2500), most=1000, unique=True),
        "scopes": thing({"bot": SCOPES, "user": SCOPES, "bot_optional": SCOPES, "user_optional": SCOPES}),
        "pkce_enabled": FLAG,
        "token_management_enabled": FLAG,
    }
)
METADATA_EVENT = thing({"app_id": {"type": "string"}, "event_type": text(50)}, "app_id", "event_type")
SETTINGS = thing(
    {
        "event_subscriptions": thing(
            {
                "request_url": web_address(3500),
                "bot_events": EVENTS,
                "user_events": EVENTS,
                "metadata_subscriptions": some(METADATA_EVENT, most=20, least=1, unique=True),
            }
        ),
        "interactivity": thing(
            {"is_enabled": FLAG, "request_url": web_address(3500), "message_menu_options_url": web_address(3500)},
            "is_enabled",
        ),
        "org_deploy_enabled": FLAG,
        "socket_mode_enabled": FLAG,
        "token_rotation_enabled": FLAG,
    }
)
MANIFEST = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    **thing(
        {
            "_metadata": thing({"major_version": {"const": 2}, "minor_version": {"type": "integer"}}),
            "display_information": DISPLAY,
            "features": FEATURES,
            "oauth_config": OAUTH,
            "settings": SETTINGS,
        },
        "display_information",
    ),
}
