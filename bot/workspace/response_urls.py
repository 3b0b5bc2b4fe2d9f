"""`POST /response/<id>`: the five answers within half an hour that an interaction or a command allows."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.workspace.api import arguments
from bot.workspace.blockkit import with_block_ids
from bot.workspace.config import BOT_USER_ID
from bot.workspace.drafts import checked_content, drafted
from bot.workspace.refusals import Refused
from bot.workspace.surfaces import ResponseUrl
from bot.workspace.timeline import Message
from bot.workspace.wording import normalised
from bot.workspace.world import World

Json = dict[str, Any]


async def answer(request: Request) -> Response:
    """Slack answers `ok` as text, and a refusal with a status that is no success."""
    world: World = request.app.state.world
    body = await arguments(request)
    try:
        _respond(world, request.path_params["key"], body)
    except Refused as refused:
        world.traffic.record("response_url", body=body, answer=refused.as_json())
        return JSONResponse(refused.as_json(), status_code=404 if refused.error.endswith("_url") else 400)
    world.traffic.record("response_url", body=body, answer="ok")
    return PlainTextResponse("ok")


def _respond(world: World, key: str, body: Json) -> None:
    entry = world.surfaces.response_urls.get(key)
    if entry is None:
        raise Refused("invalid_url")
    if world.clock.now() > entry.expires_at:
        raise Refused("expired_url")
    if entry.uses_left == 0:
        raise Refused("used_url")
    channel = world.directory.channels[entry.channel]
    original = _original(world, entry)
    if body.get("delete_original"):
        if original is None:
            raise Refused("message_not_found")
        world.delete(original)
    elif body.get("replace_original"):
        _replace(world, original, body)
    else:
        draft = drafted(world, channel, {"thread_ts": None, **body}, from_app=True)
        if body.get("response_type") == "in_channel":
            world.post(channel, BOT_USER_ID, draft)
        else:
            message = world.post_ephemeral(channel, entry.user, draft)
            if entry.thread_ts:
                message.wire["thread_ts"] = entry.thread_ts
    entry.uses_left -= 1


def _original(world: World, entry: ResponseUrl) -> Message | None:
    return world.timeline.find(entry.channel, entry.message_ts) if entry.message_ts else None


def _replace(world: World, original: Message | None, body: Json) -> None:
    """An ephemeral message stays ephemeral and a public one stays public."""
    if original is None:
        raise Refused("message_not_found")
    text, blocks, attachments = checked_content(body.get("text"), body.get("blocks"), body.get("attachments"))
    changes: Json = {
        "text": normalised(text),
        "blocks": with_block_ids(blocks) if blocks else None,
        "attachments": attachments,
    }
    world.edit(original, changes, editor=BOT_USER_ID, marked=False)
