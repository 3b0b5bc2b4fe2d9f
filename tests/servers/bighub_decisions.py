"""BIGHUB's answers about an action, ready-made in the shapes that its backend uses. Serving them is `bighub_server`'s part."""

from typing import Any

Decision = dict[str, Any]

_FLAGS: dict[str, dict[str, Any]] = {
    "autonomous": {"can_run": True, "recommendation": "proceed"},
    "constrained": {"can_run": True, "recommendation": "proceed_with_caution"},
    "review": {"needs_review": True, "recommendation": "review_recommended"},
    "blocked": {"should_not_run": True, "recommendation": "do_not_proceed"},
    "needs_context": {"needs_more_context": True, "recommendation": "review_recommended"},
}


def decision(
    mode: str = "autonomous", *, risk: float = 0.2, reason: str = "", better_action: str | None = None, **more: Any
) -> Decision:
    """The founding README's shape, its flags in step with `mode`; `more` adds or overrides fields, wrong ones too."""
    flags = dict.fromkeys(("can_run", "needs_review", "needs_more_context", "should_not_run"), False)
    return {
        "mode": mode,
        **flags,
        **_FLAGS.get(mode, {}),
        "risk": risk,
        "risk_score": risk,
        "reason": reason or f"BIGHUB's mode for this is {mode}.",
        "better_action": better_action,
        "enforcement_mode": mode,
        "decision_packet": {"schema": "decision_packet.v1", "signal": {"risk_band": _band(risk)}},
        "decision_brain": {"reasoning_summary": reason, "confidence": 0.9},
        **more,
    }


def review(reason: str = "A person should look at this.", risk: float = 0.78, **more: Any) -> Decision:
    """Somebody must approve."""
    return decision("review", risk=risk, reason=reason, **more)


def blocked(reason: str = "This is not allowed.", risk: float = 0.95, **more: Any) -> Decision:
    """It must not run."""
    return decision("blocked", risk=risk, reason=reason, **more)


def needs_context(reason: str = "Why is this needed?", **more: Any) -> Decision:
    """The requester must say more first."""
    return decision("needs_context", risk=0.5, reason=reason, **more)


def legacy_decision(
    allowed: bool, *, result: str = "", reason: str = "", requires_approval: bool = False, **more: Any
) -> Decision:
    """The older enforcement shape: `allowed`, `result`, `requires_approval` and none of the newer signals."""
    return {
        "allowed": allowed,
        "result": result or ("approved" if allowed else "blocked"),
        "reason": reason,
        "requires_approval": requires_approval,
        "risk_score": 0.2 if allowed else 0.9,
        **more,
    }


def wants_review(answer: Decision) -> bool:
    """Whether BIGHUB would open an approval for this answer."""
    signals = ("needs_review", "requires_approval", "human_review")
    return any(answer.get(name) is True for name in signals) or answer.get("mode") == "review"


def _band(risk: float) -> str:
    return "low" if risk < 0.4 else "medium" if risk < 0.7 else "high"
