"""The row that tells whether the database was restored from a backup."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "epochs",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("settled_at", sa.Double),
        sa.Column("commits", sa.BigInteger, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("epochs")
