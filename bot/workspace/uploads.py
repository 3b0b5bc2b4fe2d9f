"""Uploaded bytes: `POST /upload/<id>` without a token, `GET /files/<id>` for the page."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.workspace.world import World

_IMAGES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


async def upload(request: Request) -> Response:
    """Raw bytes of exactly the announced length; the answer is `OK - n`."""
    world: World = request.app.state.world
    file = world.files.get(request.path_params["file_id"])
    content = await request.body()
    if file is None or world.clock.now() > file["expires_at"]:
        return PlainTextResponse("upload url expired", status_code=404)
    if len(content) != file["size"]:
        return PlainTextResponse("length mismatch", status_code=400)
    world.contents[file["id"]] = content
    return PlainTextResponse(f"OK - {len(content)}")


async def download(request: Request) -> Response:
    """Images as images, everything else as an attachment, so that no uploaded page runs in the browser."""
    world: World = request.app.state.world
    content = world.contents.get(request.path_params["file_id"])
    if content is None:
        return PlainTextResponse("no such file", status_code=404)
    kind = next((name for magic, name in _IMAGES.items() if content.startswith(magic)), None)
    if kind:
        return Response(content, media_type=kind)
    headers = {"Content-Disposition": "attachment"}
    return Response(content, media_type="application/octet-stream", headers=headers)
