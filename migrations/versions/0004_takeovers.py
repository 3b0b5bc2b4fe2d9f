"""How often a run was left by a worker that died, and by whose rules it was written."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, since releases that do not know the columns go on writing rows.
    op.add_column("runs", sa.Column("takeovers", sa.Integer, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("rules", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("runs", "rules")
    op.drop_column("runs", "takeovers")
