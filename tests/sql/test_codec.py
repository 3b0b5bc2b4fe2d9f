"""The codec: every event comes back as it was, whatever release wrote it (DESIGN §4)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.core.events import Cancelled, Delivered, Said, Settled, Voted
from bot.core.faults import NewerJournal
from bot.core.values import Person
from bot.sql.codec import KINDS, REMOVED, Unreadable, decode, encode, references
from tests.sql.make_samples import FOLDER
from tests.sql.samples import ALICE, EVENT_CLASSES, judged_allow, proposed, said, sample, story

FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("cls", EVENT_CLASSES)
def test_every_event_comes_back_as_it_was(cls: type[Any]) -> None:
    event = sample(cls)
    encoded = encode(event)
    assert encoded.kind == cls.__name__
    assert decode(encoded.kind, encoded.body, encoded.contents) == event
    assert set(references(encoded.kind, encoded.body)) == encoded.contents.keys()


@pytest.mark.parametrize(
    "event",
    [*story(), judged_allow("c"), proposed(), Settled(proposed("c").proposals[0].call, sample(Settled).answer, None)],
)
def test_events_with_empty_and_missing_parts_come_back_as_they_were(event: Any) -> None:
    encoded = encode(event)
    assert decode(encoded.kind, encoded.body, encoded.contents) == event


@pytest.mark.parametrize("cls", EVENT_CLASSES)
def test_a_body_is_ascii_and_holds_no_purgeable_text(cls: type[Any]) -> None:
    encoded = encode(sample(cls))
    assert encoded.body.isascii()
    assert "\x00" not in encoded.body
    assert "na\\u00efve" not in encoded.body


def test_equal_events_have_equal_bodies() -> None:
    assert encode(sample(Voted)).body == encode(sample(Voted)).body
    assert list(json.loads(encode(sample(Voted)).body)) == sorted(json.loads(encode(sample(Voted)).body))


def test_an_empty_text_stays_in_the_body() -> None:
    encoded = encode(Cancelled(ALICE))
    assert json.loads(encoded.body)["reason"] == ""
    assert encoded.contents == {}


def test_a_purged_content_reads_as_removed() -> None:
    encoded = encode(said(1, "secret"))
    assert decode(encoded.kind, encoded.body, {}) == said(1, REMOVED)


def test_a_content_that_was_changed_is_refused() -> None:
    encoded = encode(said(1, "delete nothing"))
    changed = dict.fromkeys(encoded.contents, b"delete everything")
    with pytest.raises(Unreadable, match=r"Said\.text: the content is not the one that was stored"):
        decode(encoded.kind, encoded.body, changed)


def test_a_missing_key_takes_its_default() -> None:
    assert decode("Delivered", '{"key":"reply:1"}', {}) == Delivered("reply:1")


REFUSED = [
    ("Delivered", '{"ref":""}', "Delivered lacks key"),
    ("Delivered", '{"key":"k","sent":1}', "Delivered has fields that this release does not know: sent"),
    ("Delivered", '{"key":7}', "Delivered.key: int where str belongs"),
    ("Delivered", "[]", "Delivered: list where dict belongs"),
    ("Delivered", "{", "Delivered: the body is not JSON"),
    ("Guessed", "{}", "unknown kind of event: Guessed"),
    ("Said", '{"person":{"team":"T","user":"U","name":"A"},"message":"1","text":""}', "Said.person has fields"),
    (
        "Said",
        '{"person":{"team":"T","user":"U"},"message":"1","text":"plain"}',
        "Said.text: not a reference to a content",
    ),
    (
        "Said",
        '{"person":{"team":"T","user":"U"},"message":"1","text":{"sha256":"a","b":1}}',
        "Said.text: not a reference",
    ),
    ("Settled", '{"call":"c","answer":"maybe","person":null}', "Settled.answer: 'maybe' is no Answer"),
    ("Settled", '{"call":"c","answer":["unknown"],"person":null}', "is no Answer"),
    (
        "AttemptFailed",
        '{"key":"k","error":"e","not_before":"soon"}',
        "AttemptFailed.not_before: str where float belongs",
    ),
    (
        "AttemptFailed",
        '{"key":"k","error":"e","not_before":true}',
        "AttemptFailed.not_before: bool where float belongs",
    ),
    ("ModelReplied", '{"items":"","text":"","proposals":[],"heard":true}', "ModelReplied.heard: True is no int"),
    (
        "ModelReplied",
        '{"items":"","text":"","proposals":{},"heard":1}',
        "ModelReplied.proposals: dict where list belongs",
    ),
]


@pytest.mark.parametrize(("kind", "body", "reason"), REFUSED)
def test_a_body_that_nobody_here_wrote_is_refused_with_a_reason(kind: str, body: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason.replace(".", r"\.")):
        decode(kind, body, {})


@pytest.mark.parametrize(
    ("kind", "body", "newer"),
    [
        ("Guessed", "{}", True),
        ("Delivered", '{"key":"k","sent":1}', True),
        ("Settled", '{"call":"c","answer":"maybe","person":null}', True),
        ("Settled", '{"call":"c","answer":["unknown"],"person":null}', False),
        ("Delivered", '{"ref":""}', False),
        ("Delivered", "{", False),
    ],
)
def test_r12_what_a_newer_release_may_have_written_is_told_from_what_was_damaged(
    kind: str, body: str, newer: bool
) -> None:
    with pytest.raises(Unreadable) as refused:
        decode(kind, body, {})
    assert isinstance(refused.value, NewerJournal) == newer


def test_a_whole_number_is_a_float_where_one_belongs() -> None:
    event = decode("AttemptFailed", '{"key":"k","error":"e","not_before":5}', {})
    assert repr(event).endswith("not_before=5.0, took=0.0, inside=False, waits=False)")


@pytest.mark.parametrize("change", [{"message": 7}, {"text": None}, {"person": Person}, {"person": None}])
def test_an_event_that_could_not_be_read_again_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        encode(replace(Said(ALICE, "1.1", "hello"), **change))


def test_numbers_that_json_does_not_know_are_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(replace(sample(KINDS["AttemptFailed"]), not_before=float("inf")))


# --- Samples of what releases stored --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stored_sample_of_every_release_still_loads(path: Any) -> None:
    kept = json.loads(path.read_text())
    contents = {digest: text.encode("utf-8", "surrogatepass") for digest, text in kept["contents"].items()}
    event = decode(kept["kind"], json.dumps(kept["body"]), contents)
    again = json.loads(encode(event).body)
    assert _grown(kept["body"], again)


def _grown(old: Any, new: Any) -> bool:
    """Whether everything that was stored is still there, under its name and in its place."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and _grown(value, new[key]) for key, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(old) == len(new) and all(map(_grown, old, new))
    return bool(old == new)


@pytest.mark.parametrize("cls", EVENT_CLASSES)
def test_every_event_class_has_a_stored_sample(cls: type[Any]) -> None:
    assert any(path.stem.split(".")[0] == cls.__name__ for path in FILES)


def test_a_renamed_field_would_not_pass_for_a_grown_one() -> None:
    assert _grown({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]})
    assert not _grown({"a": [{"b": 1}]}, {"a": [{"c": 1}]})
