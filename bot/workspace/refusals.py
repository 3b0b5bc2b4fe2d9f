"""How the workspace says no: one exception that carries Slack's error code and the rest of the answer.

Raised anywhere below an endpoint, turned into `{"ok": false, "error": …}` at the endpoint and nowhere else.
"""

from typing import Any


class Refused(Exception):
    """Slack's refusal. `error` is Slack's code, `detail` the further fields of the answer, `status` the HTTP status."""

    def __init__(self, error: str, *, status: int = 200, headers: dict[str, str] | None = None, **detail: Any) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.headers = headers or {}
        self.detail = detail

    def as_json(self) -> dict[str, Any]:
        return {"ok": False, "error": self.error, **self.detail}
