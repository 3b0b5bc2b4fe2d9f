"""The indexes by which votes are found, and what is open of one person."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    voted = sa.text("kind = 'Voted'")
    op.create_index("events_voted", "events", ["at"], postgresql_where=voted, sqlite_where=voted)
    op.create_index("approvals_by_requester", "approvals", ["team", "requester"])


def downgrade() -> None:
    op.drop_index("approvals_by_requester", "approvals")
    op.drop_index("events_voted", "events")
