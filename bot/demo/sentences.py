"""What the scripted model says about a call: sentences that claim no more than the bot's output does."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.demo.conversation import Outcome, PastCall

_LONGEST_QUOTE = 600

_WISHED = {
    "grant_access": "grant {user_id} {group} for {duration}",
    "revoke_access": "take {user_id} out of {group}",
    "deploy_service": "deploy {service} {version} to {environment}",
    "scale_deployment": "scale {service} to {replicas} replicas",
    "sync_argocd_app": "sync {app} in {environment}",
    "terraform_apply": "apply terraform {workspace}",
    "rotate_credentials": "rotate {name}",
    "post_incident_update": "post an update on {incident}",
    "scan_image": "scan {image}",
    "get_service_status": "look up {service}",
    "list_services": "list the services",
}
_DONE = {
    "grant_access": "{user_id} is in {group} for {duration}.",
    "revoke_access": "{user_id} is no longer in {group}.",
    "deploy_service": "{service} {version} runs in {environment}.",
    "scale_deployment": "{service} has {replicas} replicas in {environment}.",
    "sync_argocd_app": "{app} is in sync in {environment}, at {revision}.",
    "terraform_apply": "{workspace} is applied ({plan_summary}), serial {serial}.",
    "rotate_credentials": "{name} is rotated, now version {version}.",
    "post_incident_update": '{incident} is {status}: "{message}"',
    "scan_image": "{image} has {critical} critical, {high} high and {medium} medium findings.",
    "get_service_status": "{service} is {health}: version {version}, {replicas} replicas in {environment}.",
}
# A status that is not listed is quoted as it came; nothing is guessed.
_NOT_DONE = {
    "blocked": "it was blocked",
    "denied": "it was denied",
    "expired": "nobody decided in time",
    "withdrawn": "it was withdrawn",
    "superseded": "it was superseded",
    "cancelled": "the run was stopped",
    "frozen": "everything is stopped",
    "approval_required": "it still waits for approval",
    "invalid": "the call was not valid",
}


def report(outcomes: Sequence[tuple[PastCall, Outcome]]) -> str:
    """One line per outcome. With more than one, each names its call."""
    return "\n".join(_sentence(call, outcome, alone=len(outcomes) == 1) for call, outcome in outcomes)


def wished(name: str, arguments: Mapping[str, Any]) -> str:
    """A call in words: "grant bob okta-prod-admins for 48h"."""
    try:
        return _WISHED[name].format_map(arguments)
    except KeyError:
        listed = ", ".join(f"{key}={value}" for key, value in arguments.items())
        return f"{name}({listed})"


def _sentence(call: PastCall, outcome: Outcome, *, alone: bool) -> str:
    what = wished(call.name, call.arguments)
    match outcome.status:
        case "executed":
            return f"Done: {_facts(call, outcome.output)}"
        case "tool_error" | "failed":
            return f"It failed: {what}. {_ended(outcome.reason or _quoted(outcome.output))}"
        case "in_doubt":
            return f"I do not know whether this happened: {what}. {_ended(outcome.reason)}".rstrip()
        case "needs_context" | "needs_more_context":
            return f"I need more to go on before I can {what}: {_ended(outcome.reason or 'please tell me why')}"
        case status if status in _NOT_DONE:
            named = "" if alone else f"{what}: "
            return f"Not done: {named}{_why_not(outcome)}{_safer(outcome)}"
        case status:
            detail = outcome.reason or _quoted(outcome.output)
            return f"{what}: the bot answered {status!r}. {_ended(detail)}".rstrip()


def _why_not(outcome: Outcome) -> str:
    reason = outcome.reason.strip()
    if outcome.status == "denied":
        if "denied" in reason.lower():
            return _ended(reason)
        who = outcome.by or "an approver"
        return f"{who} denied it: '{reason}'." if reason else f"{who} denied it."
    why = _NOT_DONE[outcome.status]
    return f"{why}: {_ended(reason)}" if reason else f"{why}."


def _safer(outcome: Outcome) -> str:
    return f" A safer way was suggested: {_ended(outcome.better_action)}" if outcome.better_action else ""


def _facts(call: PastCall, output: Any) -> str:
    """Only what the output says: arguments are what was wished for, not what happened."""
    if isinstance(output, dict) and output.get("ok", True) is not False:
        if isinstance(output.get("services"), list):
            return " ".join(_service_line(entry) for entry in output["services"])
        try:
            return _DONE[call.name].format_map(output)
        except KeyError:
            pass
    what = wished(call.name, call.arguments)
    return f"{what}. It returned nothing." if output is None else f"{what}. It returned: {_quoted(output)}"


def _service_line(entry: Any) -> str:
    try:
        return "{service} {version} ({environment}, {replicas} replicas, {health}).".format_map(entry)
    except (KeyError, TypeError):
        return f"{_quoted(entry)}."


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]} … ({len(text)} characters)"


def _ended(text: str) -> str:
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
