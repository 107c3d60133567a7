"""Calendars, policies, clocks of tickets and the ledger of what was done about them."""

from alembic import op

from services.service_desk.promises.tables import create_statements, drop_statements

revision = "service_desk_0001"
down_revision = None
branch_labels = ("service_desk",)
depends_on = None


def upgrade() -> None:
    for statement in create_statements():
        op.execute(statement)


def downgrade() -> None:
    for statement in drop_statements():
        op.execute(statement)
