"""The replica, metrics and their cells."""

from alembic import op

from services.reporting.tables import create_statements
from shared.service.replica.schema import drop_statements

revision = "reporting_0001"
down_revision = None
branch_labels = ("reporting",)
depends_on = None


def upgrade() -> None:
    for statement in create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table if exists verification, repair, metric_change, cell_value, total, cell, metric cascade")
    for statement in drop_statements():
        op.execute(statement)
