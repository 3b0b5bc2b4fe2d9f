"""What the app's answer to a `view_submission` does to the person's stack of modals."""

from typing import Any

from bot.workspace.blockkit import check_view
from bot.workspace.refusals import Refused
from bot.workspace.surfaces import View
from bot.workspace.world import World

Json = dict[str, Any]


def applied(world: World, view: View, response: Json) -> Json:
    """Carries out `response_action`; an answer that Slack would not accept leaves the view open and is said so."""
    action = response.get("response_action")
    try:
        match action:
            case None:
                world.surfaces.close_view(view)
            case "clear":
                world.surfaces.stack(view.user).clear()
            case "errors":
                return {"response_action": "errors", "errors": _errors(view, response)}
            case "update":
                body = check_view(response.get("view"), "modal")
                world.surfaces.update_view(view, body, world.clock.now())
            case "push":
                body = check_view(response.get("view"), "modal")
                world.surfaces.push_view(view.user, body, world.clock.now())
            case _:
                raise Refused("invalid_response_action")
    except Refused as refused:
        raise Refused("invalid_view_response", cause=refused.as_json()) from None
    world.hints.send({view.user}, {"type": "view", "view_id": view.id})
    return {"response_action": action, "errors": {}}


def _errors(view: View, response: Json) -> dict[str, str]:
    """Errors belong to input blocks; Slack shows its own error when one names anything else."""
    errors = response.get("errors")
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise Refused("invalid_errors")
    return errors
