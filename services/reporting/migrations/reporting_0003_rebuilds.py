"""Generations of metrics that are made beside another of the same definition, and what comparing both came to."""

from alembic import op

from services.reporting.tables import rebuild_statement

revision = "reporting_0003"
down_revision = "reporting_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(rebuild_statement())


def downgrade() -> None:
    op.execute("drop table if exists metric_rebuild")
