"""The index by which the open approvals of a workspace are found, the riskiest first."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


# Dropping comes first: it takes the strongest lock at once. The other way around a living replica that has read the table and is about
# to write to it waits for this, and this for the replica.
def upgrade() -> None:
    op.drop_index("approvals_by_team", "approvals")
    op.create_index(
        "approvals_by_risk", "approvals", ["team", sa.text("coalesce(risk, -1.0) DESC"), "asked_at", "approval"]
    )


def downgrade() -> None:
    op.drop_index("approvals_by_risk", "approvals")
    op.create_index("approvals_by_team", "approvals", ["team"])
