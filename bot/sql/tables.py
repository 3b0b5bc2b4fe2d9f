"""The tables, for the store and for Alembic. No query lives here.

Rule 1: `events` and `contents` are the truth; `runs`, `approvals` and `buttons` are projections (`rebuild.py` makes them anew; only
what `runs` says of leases, of parking and of the rules of its writers is nobody's copy; were it lost, the run would only be tried
again).
Rule 2: the schema only grows within a release (expand, then contract), so that two releases can share a database.
Rule 3: no foreign keys between the journal and its projections: those can be emptied.
"""

import re
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    literal_column,
)

_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")


class AnyText(TypeDecorator[str]):
    """Text that takes every Python string: Postgres refuses U+0000 and both refuse lone surrogates, so those are stored as
    U+001A and four hexadecimal digits."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and storable(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return value and _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)


def storable(text: str) -> str:
    """``text`` as `AnyText` stores it."""
    return _UNSTORABLE.sub(lambda match: f"\x1a{ord(match[0]):04x}", text)


metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("run", AnyText, primary_key=True),
    Column("team", AnyText, nullable=False),
    Column("channel", AnyText, nullable=False),
    Column("thread", AnyText, nullable=False),
    Column("requester", AnyText, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", Double, nullable=False),
    Column("due_at", Double),
    Column("lease_owner", AnyText),
    Column("lease_until", Double),
    Column("length", Integer, nullable=False),
    Column("head_hash", Text, nullable=False),
    Column("parked", AnyText),
    Column("takeovers", Integer, nullable=False, server_default="0"),
    Column("rules", Integer, nullable=False, server_default="0"),
)
Index("runs_by_thread", runs.c.team, runs.c.channel, runs.c.thread, runs.c.asked_at)
Index("runs_by_age", runs.c.asked_at)
Index("runs_due", runs.c.due_at)

events = Table(
    "events",
    metadata,
    Column("run", AnyText, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

# What limits count, found without a look at all other events.
IS_START = events.c.kind == literal_column("'Started'")
Index("events_started", events.c.at, postgresql_where=IS_START, sqlite_where=IS_START)

# How people decided, for whoever looks after it.
IS_VOTE = events.c.kind == literal_column("'Voted'")
Index("events_voted", events.c.at, postgresql_where=IS_VOTE, sqlite_where=IS_VOTE)

contents = Table(
    "contents",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)

# The open ones only: an approval that is resolved lives in the journal.
approvals = Table(
    "approvals",
    metadata,
    Column("approval", AnyText, primary_key=True),
    Column("run", AnyText, nullable=False),
    Column("team", AnyText, nullable=False),
    Column("call", AnyText, nullable=False),
    Column("action", AnyText, nullable=False),
    Column("target", AnyText, nullable=False),
    Column("environment", AnyText, nullable=False),
    Column("risk", Double),
    Column("requester", AnyText, nullable=False),
    Column("approvers", Text, nullable=False),
    Column("requester_may_approve", Boolean, nullable=False),
    Column("asked_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("channel", AnyText, nullable=False),
    Column("card", AnyText, nullable=False),
)
# As text: Postgres and SQLite take an index only for the very expression that it was made of.
RISKIEST_FIRST: Final = (
    literal_column("coalesce(risk, -1.0) DESC", Double),
    approvals.c.asked_at,
    approvals.c.approval,
)
Index("approvals_by_risk", approvals.c.team, *RISKIEST_FIRST)
Index("approvals_by_run", approvals.c.run)
Index("approvals_by_requester", approvals.c.team, approvals.c.requester)

# The ids of approvals and in-doubt questions, for ever: a click on an old card is answered too.
buttons = Table(
    "buttons",
    metadata,
    Column("opaque", AnyText, primary_key=True),
    Column("run", AnyText, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("key", AnyText, nullable=False, unique=True),
    Column("team", AnyText, nullable=False),
    Column("kind", AnyText, nullable=False),
    Column("payload", AnyText, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("done_at", Double),
    Column("seal", Text, nullable=False, server_default=""),
)
Index(
    "inbox_open",
    inbox.c.number,
    postgresql_where=inbox.c.done_at.is_(None),
    sqlite_where=inbox.c.done_at.is_(None),
)

# One row: until when a row of the inbox may be without a seal (epoch seconds).
sealing = Table(
    "sealing",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("until", Double, nullable=False),
    Column("seal", Text, nullable=False),
)

# One row: when the database was last restored from a backup, and what tells that (`epochs.py`).
epochs = Table(
    "epochs",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("since", Double, nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("settled_at", Double),
    Column("commits", BigInteger, nullable=False),
    Column("identity", Text, nullable=False),
)

freezes = Table(
    "freezes",
    metadata,
    Column("scope", AnyText, primary_key=True),
    Column("reason", AnyText, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("since", Double, nullable=False),
)

# All freezes that were ever set and lifted. What is not told yet some open card does not show; without a switch nobody has mirrored it.
freezings = Table(
    "freezings",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Double, nullable=False),
    Column("scope", AnyText, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("lifted", Boolean, nullable=False),
    Column("told", Boolean, nullable=False),
    Column("switch", AnyText),
)
