"""The log (outbox, ticks, epoch, readers) and the memory of consumers."""

from alembic import op

from shared.bus.schema import create_statements, drop_statements

revision = "bus_0001"
down_revision = None
branch_labels = ("bus",)
depends_on = None


def upgrade() -> None:
    for statement in create_statements():
        op.execute(statement)


def downgrade() -> None:
    for statement in drop_statements():
        op.execute(statement)
