"""docs/approvals.md: every state and every button that the code knows is in it, with a picture that the script draws."""

import re
from dataclasses import replace
from pathlib import Path

from bot.core.call import STATUSES
from bot.core.states import CallState, Outcome
from bot.slack import status
from bot.slack.blocks import Block
from bot.slack.cards import card
from bot.slack.payloads import RECORDED_CLICKS
from tests.browser.states import OTHERS, STATES, message_of
from tests.slack.made import every_phase
from tests.slack.reading import buttons

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "approvals.md").read_text()
FORMS = {"confirm", "edit-form"}
"""Pictures of what a card opens; the browser's journey draws them."""
SHOWN = (*STATES, *OTHERS)
BELOW = {"retry"}
"""Buttons that stand below the end of a request and on no card."""
UNSEEN = {CallState.PROPOSED, Outcome.INVALID, Outcome.NEEDS_CONTEXT}
"""States in which a call has no card, or none for longer than a moment."""


def blocks_of(name: str) -> tuple[Block, ...]:
    return message_of(name).blocks


def heading(blocks: tuple[Block, ...]) -> str:
    return str(blocks[0]["text"]["text"]).partition(":")[0]


def test_every_word_that_a_card_may_begin_with_is_explained() -> None:
    run, number = STATES["asking"]()
    call = run.calls[number]
    words = {
        status.word(replace(call, state=state, outcome=outcome))
        for state, outcome in STATUSES
        if state is not CallState.ASKING
    }
    words |= {heading(card(made, made.calls[0]).blocks) for _, made in every_phase()}
    words |= {heading(blocks_of(name)) for name in STATES}
    missing = [word for word in words if f"### {word}\n" not in TEXT and f"**{word}**" not in TEXT]
    assert missing == [] and len(words) > 15


def test_every_state_that_has_a_card_has_a_picture() -> None:
    shown = {(call.state, call.outcome) for made in STATES.values() for run, n in [made()] for call in [run.calls[n]]}
    known = {(state, outcome) for state, outcome in STATUSES if not {state, outcome} & UNSEEN}
    assert known - shown == set()


def test_every_button_is_explained_and_stands_on_a_picture() -> None:
    found = {name: each for made in SHOWN for name, each in buttons(blocks_of(made)).items()}
    assert RECORDED_CLICKS - BELOW - found.keys() == set()
    labels = {str(each["text"]["text"]) for made in SHOWN for each in buttons(blocks_of(made)).values()}
    assert [label for label in (*labels, "Retry") if f"\n| **{label}** | " not in TEXT] == []


def test_every_picture_is_drawn_shown_and_small() -> None:
    shown = set(re.findall(r"\(cards/([\w-]+)\.png\)", TEXT))
    assert shown == {*SHOWN, *FORMS} == {path.stem for path in (DOCS / "cards").glob("*.png")}
    assert [path.name for path in (DOCS / "cards").iterdir() if path.stat().st_size > 75_000] == []
