"""Entities whose links have changed and that wait to be counted under what they lead to now."""

from alembic import op

from services.reporting.tables import relink_statement

revision = "reporting_0002"
down_revision = "reporting_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(relink_statement())


def downgrade() -> None:
    op.execute("drop table if exists relink")
