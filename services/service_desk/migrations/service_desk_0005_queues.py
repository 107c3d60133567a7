"""Queues, followers of tickets, and what they are told."""

from alembic import op

from services.service_desk.queues.tables import create_statements, drop_statements

revision = "service_desk_0005"
down_revision = "service_desk_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in create_statements():
        op.execute(statement)


def downgrade() -> None:
    for statement in drop_statements():
        op.execute(statement)
