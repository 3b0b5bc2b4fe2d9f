"""Promises about requests that no SDK would write; those that it does write are in `tests/servers`."""

from typing import Any

import pytest

from bot.demo.responses_rules import refusal_of

GOOD: dict[str, Any] = {"model": "m", "input": "hello"}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def tool(**changes: Any) -> dict[str, Any]:
    return {"type": "function", "name": "a", "strict": True, "parameters": SCHEMA, **changes}


def test_a_good_request_is_not_refused() -> None:
    assert refusal_of(GOOD) is None
    assert refusal_of({**GOOD, "tools": [tool(), tool(name="b", strict=False, parameters=None)]}) is None
    parts = [{"type": "input_text", "text": "hi"}]
    assert (
        refusal_of({**GOOD, "input": [{"role": "developer", "content": "x"}, {"role": "user", "content": parts}]})
        is None
    )


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"input": None}, "input"),
        ({"input": ["hello"]}, "input[0]"),
        ({"input": [{"type": "telepathy"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": ["hi"]}]}, "input[0].content[0]"),
        ({"input": [{"type": "reasoning"}]}, "input[0].id"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"tools": {"a": 1}}, "tools"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [tool(name="x" * 65)]}, "tools[0].name"),
        ({"tools": [tool(parameters=None)]}, "tools[0].parameters"),
        ({"tools": [tool(parameters={**SCHEMA, "required": ["ghost"]})]}, "tools[0].parameters"),
        ({"tools": [tool(parameters={**SCHEMA, "properties": {"a": True}, "required": ["a"]})]}, "tools[0].parameters"),
    ],
)
def test_a_wrong_request_is_refused_with_the_place_of_the_mistake(change: dict[str, Any], param: str) -> None:
    refusal = refusal_of({**GOOD, **change})
    assert refusal is not None
    assert (refusal.param, refusal.status) == (param, 400)
    assert refusal.body()["error"]["message"] == refusal.message
