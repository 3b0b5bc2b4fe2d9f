"""S5: nothing hides in a text that is shown, and the escaping is undone exactly."""

import json
import unicodedata

import pytest
from hypothesis import given, settings

from bot.core.canonical import argument_lines, canonical_bytes
from bot.core.visible import (
    has_invisible,
    mixes_scripts,
    shows,
    unescape_visible,
    unescape_visible_json,
    visible,
    visible_json,
)
from tests.core.test_canonical import TEXT


def test_s5_every_code_point_survives_the_escaping_and_none_hides() -> None:
    chars = [chr(code) for code in range(0x110000) if chr(code) != "|"]
    escaped = visible("|".join(chars))
    shown_as_is = 0
    for char, shown in zip(chars, escaped.split("|"), strict=True):
        if shown == char:
            shown_as_is += 1
            if unicodedata.category(char)[0] not in "LNPS" and char != " ":
                pytest.fail(f"shown as it is: {ord(char):x}")
        elif shown != ("\\\\" if char == "\\" else f"\\u{{{ord(char):x}}}"):
            pytest.fail(f"shown as {shown}: {ord(char):x}")
    assert 100_000 < shown_as_is < 150_000
    assert unescape_visible(escaped) == "|".join(chars)
    in_json = escaped.replace("\\\\", "")
    assert unescape_visible_json(in_json) == "|".join(chars).replace("\\", "")


HIDDEN = [
    "\x00", "\x1b", "\x7f", "\x85", "\r", "\xa0", "\xad", "\u034f", "\u061c", "\u115f", "\u180e", "\u200b", "\u200e",
    "\u2028", "\u202e", "\u2060", "\u2066", "\u2800", "\u3000", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\ue000",
    "\U000e0041", "\U000e0100", "\U000f0000", "\u0378", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("char", HIDDEN, ids=ascii)
def test_s5_characters_that_show_nothing_are_escaped_and_reported(char: str) -> None:
    assert visible(f"a{char}b") == f"a\\u{{{ord(char):x}}}b"
    assert has_invisible(f"a{char}b")


@pytest.mark.parametrize("char", ["ａ", "𝐛", "\u212a", "＂", "“", "ʺ", "″", "\u0301", "\u0336", "😀", "ﬁ"], ids=ascii)
def test_s5_characters_that_pass_for_others_are_escaped(char: str) -> None:
    assert visible(f"a{char}") == f"a\\u{{{ord(char):x}}}"


@pytest.mark.parametrize(
    "text", ["Zoë’s café – ¿qué?", "Привет", "日本語、テスト。", "हिन्दी में", "ภาษาไทยน้ำ", "עברית", "€ 5 → £ 4", "한국어"]
)
def test_ordinary_text_of_any_language_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text and not has_invisible(text)


def test_a_text_that_spells_an_escape_differs_from_the_character() -> None:
    assert visible("\\u{200b}") == "\\\\u{200b}"
    assert visible("\u200b") == "\\u{200b}"
    assert argument_lines(canonical_bytes({"a": "\\u{200b}"})) == ('a  "\\\\u{200b}"',)
    assert argument_lines(canonical_bytes({"a": "\u200b"})) == ('a  "\\u{200b}"',)


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_s5_the_escaping_is_undone_exactly(text: str) -> None:
    assert unescape_visible(visible(text)) == text
    quoted = json.dumps(text, ensure_ascii=False)
    assert unescape_visible_json(visible_json(quoted)) == quoted


@pytest.mark.parametrize("text", ["\\", "\\n", "\\u{}", "\\u{110000}", "\\u{ffffffff}"])
def test_what_visible_cannot_have_made_is_not_unescaped(text: str) -> None:
    with pytest.raises(ValueError):
        unescape_visible(text)


def test_s5_marks_that_belong_to_no_script_are_escaped_on_any_letter() -> None:
    assert visible("прод\u0336") == "прод\\u{336}"
    assert visible("é\u0323") == "é\\u{323}"


def test_marks_without_a_letter_and_stacks_of_marks_are_escaped() -> None:
    assert visible("a\u0e31") == "a\\u{e31}"
    assert visible("ก" + "\u0e31" * 200).count("\\u{e31}") > 180


def test_line_feeds_and_tabs_are_no_invisible_text() -> None:
    assert not has_invisible("one\ntwo\tthree")
    assert visible("\n\t") == "\\u{a}\\u{9}"


def test_s5_words_that_mix_look_alike_scripts_are_reported() -> None:
    assert mixes_scripts("deploy prоd now")
    assert not mixes_scripts("deploy prod на prod")
    assert not mixes_scripts("Zoë 日本語")


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\u200b", "\u2800\u2800", "\u3164", "\u00a0\u00ad", "\u034f\ufe0f", "\U000e0061", "\u0301"]
)
def test_s22_a_text_in_which_nobody_can_see_anything_shows_nothing(text: str) -> None:
    assert (
        not shows(text) and shows(f"{text}x") and shows(f"{text}é{text}") and shows(f"{text}🔥") and shows(f"{text}.")
    )
