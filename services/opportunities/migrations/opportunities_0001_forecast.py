"""Forecasts as they were submitted."""

from alembic import op

from services.opportunities import tables

revision = "opportunities_0001"
down_revision = None
branch_labels = ("opportunities",)
depends_on = None


def upgrade() -> None:
    for statement in tables.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(tables.DROP)
