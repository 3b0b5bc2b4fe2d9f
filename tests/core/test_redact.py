"""S20: what leaves for BIGHUB and the logs carries no credential."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.canonical import canonical_bytes
from bot.core.redact import redact_text, redacted

# Put together here, so that no scanner takes this file for a leak.
CREDENTIALS = {
    "AWS access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "AWS secret key": "aws_secret_access_key = " + "abcdefghij" * 4,
    "Slack token": "xoxb-" + "1234567890-abcdefghij",
    "Slack token of an app": "xapp-" + "1-A1234-abcdefghij",
    "Slack webhook": "https://hooks.slack.com" + "/services/T0/B0/abcdef",
    "GitHub token": "ghp_" + "a1b2c3d4e5f6g7h8i9j0",
    "GitLab token": "glpat-" + "abcdefghij1234567890",
    "OpenAI key": "sk-" + "proj-abcdefghij1234567890",
    "Stripe key": "sk_" + "live_abcdefghij1234567890",
    "BIGHUB key": "bh_" + "live_abcdefghij",
    "Google key": "AIza" + "abcdefghij" * 3 + "abcde",
    "JWT": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijk",
    "private key": "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----",
    "cut private key": "-----BEGIN PRIVATE" + " KEY-----\nMIIEabc\nMIIEabc",
}


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_s20_a_credential_is_replaced_wherever_it_stands(kind: str) -> None:
    credential = CREDENTIALS[kind]
    shown = redacted(canonical_bytes({"a": [{"b": f"use {credential}"}], "c": {credential: 1}}))
    assert credential not in repr(shown) and credential.encode() not in canonical_bytes(shown)
    assert "MIIEabc" not in repr(shown)
    assert "use [redacted" in repr(shown)


def test_s20_a_password_in_a_url_and_a_bearer_token_go_and_the_rest_stays() -> None:
    assert redact_text("postgresql://app:hunter2@db:5432/x") == "postgresql://app:[redacted password]@db:5432/x"
    assert redact_text("redis://:hunter2@cache/0") == "redis://:[redacted password]@cache/0"
    assert redact_text("Authorization: Bearer abc.def-ghi123") == "Authorization: Bearer [redacted token]"


def test_s20_a_declared_secret_leaves_its_length_only() -> None:
    arguments = canonical_bytes({"password": "hunter2", "pins": [1, 2], "user": "hunter2"})
    assert redacted(arguments, ("password", "pins", "absent")) == {
        "password": "[secret, 7 characters]",
        "pins": "[secret, 5 characters]",
        "user": "hunter2",
    }


def test_known_values_go_the_longest_first_and_an_empty_one_changes_nothing() -> None:
    assert redact_text("abc abcdef", ("abc", "abcdef", "")) == "[redacted] [redacted]"


PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(alphabet="abc xyz-_/:.", max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("abc", max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abc", max_size=5), PLAIN, max_size=5))
def test_arguments_without_credentials_are_left_as_they_are(arguments: dict[str, Any]) -> None:
    assert redacted(canonical_bytes(arguments)) == arguments


@pytest.mark.parametrize(
    "piece",
    [
        "eyJaaaaaaaa-",
        "sk-",
        "bearer ",
        "-----BEGIN PRIVATE KEY",
        "a://b:",
        "xoxb-",
        "AKIA",
        "aws_secret_key=",
        "https://hooks.slack.com/",
    ],
)
def test_a_megabyte_made_against_the_patterns_is_read_in_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    redact_text(text)
    assert time.process_time() - began < 5
