"""The seal of what Slack sent, and until when a row of an older release may come without one."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, since releases that do not know the column go on writing rows.
    op.add_column("inbox", sa.Column("seal", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "sealing",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("sealing")
    op.drop_column("inbox", "seal")
