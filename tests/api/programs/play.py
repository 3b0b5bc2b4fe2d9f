"""Plays one code block of the founding README as a program of its own: `python -m tests.api.programs.play`.

Standard input is JSON of three pieces of Python that share one namespace: ``before`` and ``after`` are the test's, ``block`` is the
README's. A block may await at its top level; what a block that is one expression amounts to is ``shown``. Only they print.
"""

import ast
import asyncio
import inspect
import json
import sys
from typing import Any


def play(before: str, block: str, after: str) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(before, "before", "exec"), names)
    match ast.parse(block).body:
        case [ast.Expr(value=value)]:
            names["shown"] = eval(compile(ast.Expression(value), "README", "eval"), names)
        case _:
            pending = eval(compile(block, "README", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
            if inspect.iscoroutine(pending):
                asyncio.run(pending)
    exec(compile(after, "after", "exec"), names)


if __name__ == "__main__":
    play(**json.load(sys.stdin))
