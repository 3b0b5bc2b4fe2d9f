"""Installing the app: `GET /oauth/v2/authorize` says yes as the owner, `oauth.v2.access` gives the token for the code."""

import hmac
import secrets
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from bot.slack import limits
from bot.workspace.calls import APP, BOT, NOBODY, PERSON, Call, Json, Method
from bot.workspace.config import APP_ID, BOT_USER_ID, TEAM_ID, TEAM_NAME
from bot.workspace.refusals import Refused
from bot.workspace.world import World

_INSTALLER = "U0ERIN"


async def authorize(request: Request) -> Response:
    """Redirects back with a code. Only loopback redirects: nothing may leave this machine."""
    world: World = request.app.state.world
    query = request.query_params
    redirect = query.get("redirect_uri", "")
    if query.get("client_id") != world.config.client_id:
        return PlainTextResponse("invalid_client_id", status_code=400)
    if urlsplit(redirect).hostname not in {"127.0.0.1", "localhost"}:
        return PlainTextResponse("bad_redirect_uri", status_code=400)
    code = secrets.token_urlsafe(18)
    world.codes[code] = world.clock.now() + world.config.scaled(limits.OAUTH_CODE_SECONDS)
    answer = urlencode({"code": code, "state": query.get("state", "")})
    return RedirectResponse(f"{redirect}{'&' if urlsplit(redirect).query else '?'}{answer}", status_code=302)


def access(call: Call) -> Json:
    world = call.world
    if call.text("client_id") != world.config.client_id:
        raise Refused("invalid_client_id")
    if not hmac.compare_digest(call.text("client_secret") or "", world.config.client_secret):
        raise Refused("bad_client_secret")
    expires_at = world.codes.get(call.need("code", "invalid_code"))
    if expires_at == 0:
        raise Refused("code_already_used")
    if expires_at is None or world.clock.now() > expires_at:
        raise Refused("invalid_code")
    world.codes[call.need("code")] = 0
    world.revoked.discard(BOT)
    return {
        "access_token": world.config.bot_token,
        "token_type": "bot",
        "scope": ",".join(world.manifest.bot_scopes),
        "bot_user_id": BOT_USER_ID,
        "app_id": APP_ID,
        "team": {"id": TEAM_ID, "name": TEAM_NAME},
        "enterprise": None,
        "is_enterprise_install": False,
        "authed_user": {"id": _INSTALLER},
    }


METHODS = {"oauth.v2.access": Method(access, tokens=frozenset({BOT, PERSON, APP, NOBODY}))}
