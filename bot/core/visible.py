"""What a person can see of a text: the escaping that cards, logs and refusals use (contract S5).

Rules
1. Printable ASCII, and the letters, numbers and common punctuation of every script, are shown as they are.
2. Everything else is shown as `\\u{…}` (hexadecimal code point): control, bidi, zero-width, tag and private-use
   characters, every space but U+0020, emoji, look-alikes of other characters (what NFKC or a singleton
   decomposition would fold), quote look-alikes, and marks that do not sit on a letter of their own script.
3. Nothing is normalised or dropped: the escaping is undone exactly by its inverse.

Here is no layout of arguments (`canonical.argument_lines`) and no redaction (`redact`).
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

_Kind = Literal["letter", "mark", "plain", "escaped"]

_COMMON_PUNCTUATION = frozenset("‘’–—…•·«»‹›¡¿§¶°€£¥₹±×÷→←、。，．！？：；（）「」『』【】《》〈〉・،؛؟।॥։՞፡።־")
# Thai and Lao "sara am": everyday vowels, although NFKC takes them apart.
_EVERYDAY_COMPOSITES = frozenset("\u0e33\u0eb3")
# Letters and marks that Unicode gives no shape of their own, or whose only shape is that of a quote.
_SHAPELESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f"
    "\U00013441\U00013442\U00016fe4\U000e0000-\U000e0fff]"
)
_QUOTE_LIKE_LETTERS = re.compile("[\u02b0-\u02ff\ua78b\ua78c]")
# Marks of no script: on an ASCII letter they make another letter, strike it out, or repeat a composed one.
_GENERIC_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1cd0-\u1cff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_MOST_MARKS_ON_A_LETTER = 8

_NOT_ASCII = re.compile(r"[^\x20-\x7e]")
_NOT_ASCII_OR_BACKSLASH = re.compile(r"[^\x20-\x5b\x5d-\x7e]")
_TEXT_ESCAPE = re.compile(r"\\(?:\\|u\{([0-9a-f]{1,6})\})?")
_JSON_ESCAPE = re.compile(r"\\(?:u\{([0-9a-f]{1,6})\}|.)", re.DOTALL)
_WORD = re.compile(r"\w+")
_MISTAKEN_FOR_LATIN = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})


def visible(text: str) -> str:
    """`text` with everything that a person could not see, or would take for something else, as `\\u{…}`.

    A backslash is doubled, so that a text which says `\\u{200b}` differs from one that contains U+200B.
    """
    return _NOT_ASCII_OR_BACKSLASH.sub(_shown, text)


def unescape_visible(text: str) -> str:
    """The text that `visible` was given. ValueError for a text that `visible` cannot have made."""

    def original(match: re.Match[str]) -> str:
        if match[0] == "\\":
            raise ValueError("a backslash that begins no escape")
        return chr(int(match[1], 16)) if match[1] else "\\"

    return _TEXT_ESCAPE.sub(original, text)


def visible_json(text: str) -> str:
    """As `visible`, for the text of a JSON value: its own backslashes stay single.

    JSON knows no `\\u{`, so a `\\u{…}` that follows an even number of backslashes can only be ours.
    """
    return _NOT_ASCII.sub(_shown, text)


def unescape_visible_json(text: str) -> str:
    """The JSON text that `visible_json` was given. ValueError for a code point beyond U+10FFFF."""
    return _JSON_ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[0], text)


def has_invisible(text: str) -> bool:
    """Whether `text` holds characters that show nothing by themselves. Line feed and tab do not count."""
    return any(_is_invisible(char) for char in _NOT_ASCII.findall(text))


def shows(text: str) -> bool:
    """Whether a person can see anything of `text`. A mark that sits on nothing is nothing."""
    return any(not _is_invisible(char) and unicodedata.category(char)[0] not in "CZM" for char in text)


def mixes_scripts(text: str) -> bool:
    """Whether a word of `text` mixes Latin letters with those of a script that looks like it (`p` + Cyrillic `а`)."""
    return any(_mixed(word) for word in _WORD.findall(text) if not word.isascii())


def _shown(match: re.Match[str]) -> str:
    char = match[0]
    if char == "\\":
        return "\\\\"
    kind = _kind(char)
    if kind == "escaped" or (kind == "mark" and not _sits_on_a_letter(match.string, match.start())):
        return f"\\u{{{ord(char):x}}}"
    return char


@lru_cache(maxsize=8192)
def _kind(char: str) -> _Kind:
    if char in _COMMON_PUNCTUATION:
        return "plain"
    if _SHAPELESS.match(char) or _QUOTE_LIKE_LETTERS.match(char) or _GENERIC_MARKS.match(char):
        return "escaped"
    category = unicodedata.category(char)
    if category[0] in "LN":
        return "escaped" if _looks_like_another(char) else "letter"
    return "mark" if category in ("Mn", "Mc") else "escaped"


def _looks_like_another(char: str) -> bool:
    if char in _EVERYDAY_COMPOSITES:
        return False
    decomposition = unicodedata.decomposition(char)
    return bool(decomposition) and (decomposition[0] == "<" or " " not in decomposition)


def _sits_on_a_letter(text: str, at: int) -> bool:
    for before in range(at - 1, max(at - 2 - _MOST_MARKS_ON_A_LETTER, -1), -1):
        match _kind(text[before]) if text[before] > "\x7e" else "escaped":
            case "letter":
                return True
            case "mark":
                continue
            case _:
                return False
    return False


def _is_invisible(char: str) -> bool:
    if char in "\n\t":
        return False
    return unicodedata.category(char)[0] in "CZ" or _SHAPELESS.match(char) is not None


def _mixed(word: str) -> bool:
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in word if char.isalpha()}
    return "LATIN" in scripts and not scripts.isdisjoint(_MISTAKEN_FOR_LATIN)
