"""The first tables: the journal and its contents, the projections, the inbox, the freezes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _journal()
    _projections()
    _inbox_and_freezes()


def _journal() -> None:
    op.create_table(
        "events",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_table(
        "contents",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
    )


def _projections() -> None:
    op.create_table(
        "runs",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.Double),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("head_hash", sa.Text, nullable=False),
    )
    op.create_index("runs_by_thread", "runs", ["team", "channel", "thread", "asked_at"])
    op.create_index("runs_by_age", "runs", ["asked_at"])
    op.create_index("runs_due", "runs", ["due_at"])
    op.create_table(
        "approvals",
        sa.Column("approval", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("risk", sa.Double),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("approvers", sa.Text, nullable=False),
        sa.Column("requester_may_approve", sa.Boolean, nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("card", sa.Text, nullable=False),
    )
    op.create_index("approvals_by_team", "approvals", ["team"])
    op.create_index("approvals_by_run", "approvals", ["run"])
    op.create_table(
        "buttons",
        sa.Column("opaque", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
    )


def _inbox_and_freezes() -> None:
    op.create_table(
        "inbox",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("received_at", sa.Double, nullable=False),
        sa.Column("done_at", sa.Double),
    )
    is_open = sa.text("done_at IS NULL")
    op.create_index("inbox_open", "inbox", ["number"], postgresql_where=is_open, sqlite_where=is_open)
    op.create_table(
        "freezes",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
    )


def downgrade() -> None:
    events = sa.table("events")
    if op.get_bind().execute(sa.select(sa.literal(1)).select_from(events).limit(1)).first():
        raise RuntimeError(
            "There is nothing below the first revision, and this database holds runs: they would be lost."
        )
    for table in ("freezes", "inbox", "buttons", "approvals", "runs", "contents", "events"):
        op.drop_table(table)
