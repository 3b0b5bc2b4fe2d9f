"""The index by which the open approvals of a workspace are found, the riskiest first."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "approvals_by_risk", "approvals", ["team", sa.text("coalesce(risk, -1.0) DESC"), "asked_at", "approval"]
    )
    op.drop_index("approvals_by_team", "approvals")


def downgrade() -> None:
    op.create_index("approvals_by_team", "approvals", ["team"])
    op.drop_index("approvals_by_risk", "approvals")
