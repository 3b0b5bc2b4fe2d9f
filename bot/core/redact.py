"""What is taken out of arguments and texts before they leave for BIGHUB, a log or a metric (contract S20).

Rules
1. An argument that its action declares secret leaves only its length behind.
2. What looks like a credential of a common kind is replaced by its kind, wherever it stands in a text or a key.
3. The arguments that are shown, sealed and run are never touched by this.

Here is no list of the settings' own secrets: whoever holds them passes their values to `redact_text`.
"""

import re
from collections.abc import Sequence

from bot.core.canonical import Json, Refused, parse_arguments, secret_length

# Every pattern is linear: no repetition inside a repetition, and each begins with a literal or a bounded class.
_CREDENTIALS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private key",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,48}-----|\Z)", re.S
        ),
    ),
    ("AWS access key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b")),
    (
        "AWS secret key",
        re.compile(
            r"(?i)\baws_?secret_?(?:access_?)?key[\"']?\s{0,4}[:=]\s{0,4}[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
        ),
    ),
    ("Slack token", re.compile(r"\bx(?:ox[a-z]|app)(?:\.xox[a-z])?-[A-Za-z0-9-]{8,}")),
    ("Slack webhook", re.compile(r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+")),
    ("GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})")),
    ("GitLab token", re.compile(r"\bgl(?:pat|dt|rt|soat|cbt|ptt)-[A-Za-z0-9_-]{16,}")),
    ("API key", re.compile(r"\b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,}")),
    ("BIGHUB key", re.compile(r"\bbh_[a-z]{1,12}_[A-Za-z0-9_-]{8,}")),
    ("Google key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("JWT", re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
)
_AUTHORIZATION = re.compile(r"(?i)\b(bearer|basic)(\s{1,8})[A-Za-z0-9._~+/=-]{8,}")
_URL_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^\s/?#:@]{0,256}):[^\s/?#]{1,512}@")


def redacted(arguments: bytes, secret: Sequence[str] = ()) -> dict[str, Json]:
    """Canonical arguments as they may leave the house. `secret`: the names of the arguments declared secret.

    ValueError for bytes that `canonical.canonical_bytes` cannot have made.
    """
    parsed = parse_arguments(arguments)
    if isinstance(parsed, Refused):
        raise ValueError(f"not canonical arguments: {parsed.reason}")
    return {
        redact_text(key): f"[secret, {secret_length(value)} characters]"
        if key in secret
        else _without_credentials(value)
        for key, value in parsed.items()
    }


def redact_text(text: str, known: Sequence[str] = ()) -> str:
    """`text` with credentials replaced by `[redacted <kind>]`. `known`: exact values to take out as well."""
    for value in sorted(known, key=len, reverse=True):
        if value:
            text = text.replace(value, "[redacted]")
    for kind, pattern in _CREDENTIALS:
        text = pattern.sub(f"[redacted {kind}]", text)
    text = _AUTHORIZATION.sub(r"\1\2[redacted token]", text)
    return _URL_PASSWORD.sub(r"\1:[redacted password]@", text)


def _without_credentials(value: Json) -> Json:
    match value:
        case str():
            return redact_text(value)
        case list():
            return [_without_credentials(each) for each in value]
        case dict():
            return {redact_text(key): _without_credentials(each) for key, each in value.items()}
        case _:
            return value
