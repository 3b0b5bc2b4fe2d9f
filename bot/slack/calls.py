"""Calls to Slack's Web API and what their failures mean: `Unavailable` (try again) or `Declined` (refused for good).

Here is no method's meaning (`chat.py`) and no retry: whoever owes the effect tries again.
"""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.ports import Rejected, Unavailable

TIMEOUT_SECONDS: Final = 10
_PASSING: Final = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "accesslimited",
    }
)
_SENTENCES: Final[dict[str, str]] = {
    "not_authed": "Slack got no token. Set SLACK_BOT_TOKEN.",
    "invalid_auth": "Slack does not accept the bot's token. Set a valid SLACK_BOT_TOKEN.",
    "account_inactive": "The bot's account was deactivated in Slack. Install the app again.",
    "token_revoked": "The bot's token was revoked. Install the app again and set the new SLACK_BOT_TOKEN.",
    "token_expired": "The bot's token has expired. Install the app again and set the new SLACK_BOT_TOKEN.",
    "missing_scope": "The app lacks a permission in Slack. Install it again with the manifest of this version.",
    "not_in_channel": "I am not in this channel. Invite me, and I go on.",
    "channel_not_found": "I cannot see this channel. Invite me, and I go on.",
    "is_archived": "This channel is archived, so I cannot post in it.",
    "is_inactive": "This channel is archived, so I cannot post in it.",
    "thread_not_found": "The message that this thread began with is gone.",
    "cannot_reply_to_message": "The message that this thread began with cannot be answered.",
    "restricted_action": "The workspace does not let me post here.",
    "messages_tab_disabled": "Direct messages to me are switched off in the app's settings.",
    "user_not_in_channel": "This person is not in the channel.",
}


class Declined(Rejected):
    """Slack says no for good; ``code`` is Slack's word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(_SENTENCES.get(code, f"Slack refused this ({code})."))
        self.code = code


def web_session(seconds: float = TIMEOUT_SECONDS) -> aiohttp.ClientSession:
    """Connections for clients to share, and the time limit of each call over them: the SDK's own holds only where it opens one."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds))


def web_client(
    token: str | None, base_url: str | None = None, session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    """A client that never repeats a call by itself: a repeated post whose answer was lost would be there twice.

    ``session`` (`web_session`) lets calls share their connections; whoever gives it closes it.
    """
    address = base_url or AsyncWebClient.BASE_URL
    return AsyncWebClient(token=token, base_url=address, timeout=TIMEOUT_SECONDS, session=session, retry_handlers=[])


async def called(work: Awaitable[AsyncSlackResponse]) -> Mapping[str, Any]:
    """The answer of one call. Raises `Unavailable` and `Declined`; an answer that cannot be read counts as none."""
    try:
        answer = (await work).data
    except SlackApiError as error:
        raise _meaning(error) from error
    except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError) as error:
        raise Unavailable(f"Slack does not answer ({type(error).__name__}).") from error
    except (AttributeError, ValueError) as error:  # what the SDK raises over a 200 whose body is no JSON object
        raise Unavailable("Slack's answer could not be read.") from error
    if not isinstance(answer, Mapping):
        raise Unavailable("Slack's answer could not be read.")
    return answer


def _meaning(error: SlackApiError) -> Exception:
    response = error.response
    if not isinstance(response, AsyncSlackResponse) or not isinstance(response.data, Mapping):
        return Unavailable("Slack's answer could not be read.")
    code = str(response.data.get("error") or "")
    if response.status_code == 429 or code in _PASSING:
        return Unavailable(f"Slack asks for patience ({code or response.status_code}).", _seconds(response.headers))
    if not code or response.status_code >= 500:
        return Unavailable(f"Slack has a fault (status {response.status_code}).")
    return Declined(code)


def _seconds(headers: Mapping[str, Any]) -> float:
    value = next((str(each) for name, each in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(0.0, float(value))
    except ValueError:
        return 0.0
