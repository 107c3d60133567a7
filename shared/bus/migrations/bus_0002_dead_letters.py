"""Events that a handler cannot take, put aside."""

from alembic import op

from shared.bus.dead_letters import create_statements

revision = "bus_0002"
down_revision = "bus_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table if exists dead_letter")
    op.execute("alter table watermark drop column if exists parked")
