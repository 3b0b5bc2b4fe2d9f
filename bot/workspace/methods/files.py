"""The `files.*` methods of the three-step upload. The bytes themselves arrive in `uploads.py`."""

import secrets

from bot.slack import limits
from bot.workspace.calls import Call, Json, Method
from bot.workspace.drafts import checked_thread
from bot.workspace.refusals import Refused
from bot.workspace.world import Draft


def get_upload_url(call: Call) -> Json:
    length = call.number("length", 0, "invalid_arguments")
    if length <= 0:
        raise Refused("invalid_arguments")
    alt_text = call.text("alt_txt") or ""
    if len(alt_text) > 1_000:
        raise Refused("invalid_arguments")
    file_id = f"F{secrets.token_hex(5).upper()}"
    name = call.need("filename")
    call.world.files[file_id] = {
        "id": file_id,
        "created": int(call.world.clock.now()),
        "name": name,
        "title": name,
        "user": call.actor.user_id,
        "size": length,
        "alt_txt": alt_text,
        "mode": "hosted",
        "filetype": name.rpartition(".")[2],
        "url_private": f"{call.world.url}/files/{file_id}",
        "expires_at": call.world.clock.now() + call.world.config.scaled(limits.UPLOAD_URL_SECONDS),
        "channels": [],
    }
    return {"upload_url": f"{call.world.url}/upload/{file_id}", "file_id": file_id}


def complete_upload(call: Call) -> Json:
    wanted = call.structure("files")
    if not isinstance(wanted, list) or not wanted:
        raise Refused("invalid_arguments")
    done = [_uploaded(call, each) for each in wanted]
    for reference in [*call.names("channels"), *call.names("channel_id")]:
        _share(call, reference, done)
    return {"files": [_shown(each) for each in done]}


def _uploaded(call: Call, wanted: Json) -> Json:
    file = call.world.files.get(wanted.get("id", ""))
    if file is None or file["user"] != call.actor.user_id:
        raise Refused("file_not_found")
    if file["id"] not in call.world.contents:
        raise Refused("file_not_found")
    file["title"] = wanted.get("title") or file["name"]
    return file


def _share(call: Call, reference: str, files: list[Json]) -> None:
    channel = call.world.directory.joined_by(reference, call.actor.user_id)
    if channel.archived:
        raise Refused("is_archived")
    thread_ts = checked_thread(call.world, channel, call.text("thread_ts"))
    for file in files:
        file["channels"].append(channel.id)
    draft = Draft(call.text("initial_comment") or "", thread_ts=thread_ts, files=[_shown(each) for each in files])
    call.world.post(channel, call.actor.user_id, draft)


def _shown(file: Json) -> Json:
    return {name: value for name, value in file.items() if name != "expires_at"}


def info(call: Call) -> Json:
    file = call.world.files.get(call.need("file", "file_not_found"))
    if file is None:
        raise Refused("file_not_found")
    return {"file": _shown(file)}


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, ("files:write",), tier=4),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",), tier=4),
    "files.info": Method(info, ("files:read", "files:write"), tier=4),
}
