"""The index by which limits find what started lately."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    started = sa.text("kind = 'Started'")
    op.create_index("events_started", "events", ["at"], postgresql_where=started, sqlite_where=started)


def downgrade() -> None:
    op.drop_index("events_started", "events")
