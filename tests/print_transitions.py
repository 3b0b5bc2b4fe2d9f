"""The state diagrams of ARCHITECTURE.md, printed from the transition tables: `python -m tests.print_transitions --write`.

Pure functions from a table to Mermaid text, and a command that puts the text between the page's markers.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Set
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from bot.core.call import CALL_EVENTS, CALL_TRANSITIONS, CallState
from bot.core.run import RUN_TRANSITIONS, RunState

PAGE = Path(__file__).resolve().parent.parent / "ARCHITECTURE.md"

State = TypeVar("State", bound=StrEnum)


def diagram(table: Mapping[tuple[State, type], Set[State]], first: State) -> str:
    """A Mermaid state diagram of ``table``, and below it the events that every state takes without moving."""
    states = tuple(type(first))
    everywhere = {event for _, event in table if all(state in table.get((state, event), ()) for state in states)}
    arrows: dict[tuple[str, str], set[type]] = defaultdict(set)
    for (state, event), targets in table.items():
        for target in targets:
            if state is not target or event not in everywhere:
                arrows[state.value, target.value].add(event)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first.value}"]
    lines += [f"    {one} --> {other}: {_names(arrows[one, other], everywhere)}" for one, other in sorted(arrows)]
    lines += [
        f"    {state.value} --> [*]"
        for state in states
        if not any(one == state.value != other for one, other in arrows)
    ]
    lines.append("```")
    if everywhere:
        lines += [
            "",
            f"In every state, without a move: {', '.join(sorted(f'`{event.__name__}`' for event in everywhere))}.",
        ]
    return "\n".join(lines)


def _names(events: set[type], everywhere: set[type]) -> str:
    names = sorted(event.__name__ for event in events)
    if events | everywhere >= set(CALL_EVENTS):
        names = ["an event of a call", *sorted(event.__name__ for event in events - set(CALL_EVENTS))]
    return ", ".join(names)


def printed(page: str) -> str:
    """The page with both diagrams as the tables are now. Raises ValueError where a marker is missing."""
    for name, text in (
        ("run", diagram(RUN_TRANSITIONS, RunState.THINKING)),
        ("call", diagram(CALL_TRANSITIONS, CallState.PROPOSED)),
    ):
        pattern = re.compile(rf"(<!-- transitions:{name} -->\n).*?(<!-- /transitions -->)", re.DOTALL)
        page, found = pattern.subn(lambda match, text=text: f"{match[1]}{text}\n{match[2]}", page)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"the page has {found} places for the diagram of the {name}")
    return page


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(printed(page), encoding="utf-8")
    else:
        print(printed(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
