"""Where the toy company keeps its state: one SQLite file, founded on first use. What can be done there is in `company`.

1. Each use opens its own connection, so that any process and thread sees what the others did.
2. A change and its line in `effects` are one transaction; `effects` can only be added to.
"""

import contextlib
import difflib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PATH_VARIABLE = "SIGNOFF_DEMO_COMPANY"
DEFAULT_PATH = "signoff-demo-company.db"
_BUSY_SECONDS = 10.0
_EDITION = 1

_TABLES = """
CREATE TABLE people (name TEXT PRIMARY KEY, slack_id TEXT UNIQUE);
CREATE TABLE groups (name TEXT PRIMARY KEY, grants TEXT NOT NULL);
CREATE TABLE memberships (
    person TEXT NOT NULL, grp TEXT NOT NULL, until TEXT NOT NULL, PRIMARY KEY (person, grp)
);
CREATE TABLE deployments (
    service TEXT NOT NULL, environment TEXT NOT NULL, version TEXT NOT NULL, replicas INTEGER NOT NULL,
    health TEXT NOT NULL, PRIMARY KEY (service, environment)
);
CREATE TABLE apps (
    name TEXT NOT NULL, environment TEXT NOT NULL, revision INTEGER NOT NULL, synced INTEGER NOT NULL,
    PRIMARY KEY (name, environment)
);
CREATE TABLE workspaces (name TEXT PRIMARY KEY, serial INTEGER NOT NULL, last_plan TEXT NOT NULL);
CREATE TABLE credentials (name TEXT PRIMARY KEY, version INTEGER NOT NULL, rotated_at TEXT NOT NULL);
CREATE TABLE incidents (name TEXT PRIMARY KEY, title TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE incident_updates (incident TEXT NOT NULL, at TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE findings (image TEXT NOT NULL, severity TEXT NOT NULL, cve TEXT NOT NULL, package TEXT NOT NULL);
CREATE TABLE effects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, action TEXT NOT NULL, arguments TEXT NOT NULL
);
CREATE TRIGGER effects_stay BEFORE UPDATE ON effects BEGIN SELECT RAISE(ABORT, 'effects can only be added'); END;
CREATE TRIGGER effects_last BEFORE DELETE ON effects BEGIN SELECT RAISE(ABORT, 'effects can only be added'); END
"""
_SEED = """
INSERT INTO people VALUES ('alice', 'U0ALICE'), ('bob', 'U0BOB'), ('carol', 'U0CAROL'), ('dan', 'U0DAN'),
    ('erin', 'U0ERIN'), ('gus', 'U0GUEST'), ('uma', 'U0ULTRA'), ('dave', NULL), ('frank', NULL), ('grace', NULL);
INSERT INTO groups VALUES ('okta-prod-admins', 'Okta administration in production'),
    ('okta-admins', 'Okta administration'), ('okta-readonly', 'Okta, reading only'),
    ('prod-db-readers', 'reading the production databases'), ('on-call', 'the pager and production shells'),
    ('engineering', 'source code and staging'), ('security', 'audit logs'), ('billing-admins', 'invoices and refunds');
INSERT INTO deployments VALUES ('checkout', 'production', '2.4.0', 3, 'healthy'),
    ('checkout', 'staging', '2.4.1', 1, 'healthy'), ('payments', 'production', '1.9.3', 4, 'healthy'),
    ('payments', 'staging', '1.9.3', 1, 'healthy'), ('search', 'production', '5.0.2', 6, 'degraded'),
    ('search', 'staging', '5.1.0', 1, 'healthy'), ('notifications', 'production', '0.12.1', 2, 'healthy'),
    ('notifications', 'staging', '0.12.1', 1, 'healthy');
INSERT INTO apps SELECT service, environment, 101, 0 FROM deployments;
INSERT INTO workspaces VALUES ('network', 17, ''), ('dns', 8, ''), ('database', 42, ''), ('iam', 23, '');
INSERT INTO credentials VALUES ('production-database', 5, '2026-01-12T09:00:00Z'),
    ('checkout-db', 3, '2026-02-03T09:00:00Z'), ('payments-db', 4, '2026-02-03T09:00:00Z'),
    ('stripe-api-key', 2, '2025-11-20T09:00:00Z'), ('github-deploy-key', 7, '2026-03-01T09:00:00Z');
INSERT INTO incidents VALUES ('INC-42', 'Search is slow', 'investigating'), ('INC-41', 'Late e-mails', 'resolved'),
    ('INC-43', 'Checkout error rate is up', 'investigating');
INSERT INTO findings VALUES ('checkout:2.4.1', 'medium', 'CVE-2025-1001', 'libxml2'),
    ('checkout:2.4.0', 'high', 'CVE-2025-0977', 'openssl'), ('checkout:2.4.0', 'medium', 'CVE-2025-1001', 'libxml2'),
    ('search:5.0.2', 'critical', 'CVE-2025-0815', 'log4j-core'), ('search:5.0.2', 'high', 'CVE-2025-0977', 'openssl')
"""
_NAMES = {
    "group": "SELECT name FROM groups ORDER BY name",
    "service": "SELECT DISTINCT service FROM deployments ORDER BY service",
    "Argo CD app": "SELECT DISTINCT name FROM apps ORDER BY name",
    "terraform workspace": "SELECT name FROM workspaces ORDER BY name",
    "credential": "SELECT name FROM credentials ORDER BY name",
    "incident": "SELECT name FROM incidents ORDER BY name",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that happened: `at` is UTC in ISO 8601, `arguments` as the action got them."""

    id: int
    at: str
    action: str
    arguments: dict[str, Any]


def company_path() -> Path:
    """The company's file: `SIGNOFF_DEMO_COMPANY`, or one in the current directory."""
    return Path(os.environ.get(PATH_VARIABLE) or DEFAULT_PATH)


def effects(action: str | None = None) -> list[Effect]:
    """What happened so far, oldest first; of one action if it is named."""
    with reading() as books:
        rows = books.execute("SELECT * FROM effects WHERE ? IS NULL OR action = ? ORDER BY id", (action, action))
        return [Effect(row["id"], row["at"], row["action"], json.loads(row["arguments"])) for row in rows]


@contextlib.contextmanager
def reading() -> Iterator[sqlite3.Connection]:
    """The books, to read in."""
    books = _open()
    try:
        yield books
    finally:
        books.close()


@contextlib.contextmanager
def changing(action: str, arguments: Mapping[str, Any]) -> Iterator[sqlite3.Connection]:
    """The books in one transaction that also notes the effect; an exception undoes both."""
    books = _open()
    try:
        books.execute("BEGIN IMMEDIATE")
        yield books
        line = (now(), action, json.dumps(arguments))
        books.execute("INSERT INTO effects (at, action, arguments) VALUES (?, ?, ?)", line)
        books.execute("COMMIT")
    finally:
        # Closing without COMMIT is SQLite's rollback.
        books.close()


def known(books: sqlite3.Connection, kind: str, name: str) -> str:
    """The name as the company writes it.

    Raises:
        ValueError: there is none of that name; says which one may have been meant.
    """
    names = [row[0] for row in books.execute(_NAMES[kind])]
    return _found(kind, name, {each.lower(): each for each in names}, name.lower().removesuffix("-service"))


def known_person(books: sqlite3.Connection, user_id: str) -> str:
    """The login name of a person given by name, `@name` or Slack user id.

    Raises:
        ValueError: nobody of that name works here; says who may have been meant.
    """
    people = list(books.execute("SELECT name, slack_id FROM people ORDER BY name"))
    bare = user_id.strip("<@>").partition("|")[0]
    by_id = {row["slack_id"]: row["name"] for row in people if row["slack_id"]}
    return by_id.get(bare) or _found("person", bare, {row["name"]: row["name"] for row in people}, bare.lower())


def now() -> str:
    """This moment, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _found(kind: str, name: str, names: Mapping[str, str], wanted: str) -> str:
    if wanted in names:
        return names[wanted]
    close = difflib.get_close_matches(wanted, names, n=1)
    hint = f"Did you mean '{names[close[0]]}'?" if close else f"There are: {', '.join(names.values())}."
    raise ValueError(f"There is no {kind} named '{name}'. {hint}")


def _open() -> sqlite3.Connection:
    books = sqlite3.connect(company_path(), timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        books.row_factory = sqlite3.Row
        _write_ahead(books)
        if _edition(books) != _EDITION:
            _establish(books)
    except BaseException:
        books.close()
        raise
    return books


def _write_ahead(books: sqlite3.Connection) -> None:
    # The switch to WAL does not wait for other openers as other statements do, so wait here.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            books.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _establish(books: sqlite3.Connection) -> None:
    books.execute("BEGIN IMMEDIATE")
    # Another process may have been first while this one waited for the lock.
    if _edition(books) == 0:
        for statement in [*_TABLES.split(";\n"), *_SEED.split(";\n")]:
            books.execute(statement)
        books.execute(f"PRAGMA user_version = {_EDITION}")
    books.execute("COMMIT")


def _edition(books: sqlite3.Connection) -> int:
    return int(books.execute("PRAGMA user_version").fetchone()[0])
