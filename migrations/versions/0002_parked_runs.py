"""Why a run is parked: nobody works it until a person resumes it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("parked", sa.Text))


def downgrade() -> None:
    op.drop_column("runs", "parked")
