"""The account of a subscription: what its source told since it began, and what was taken."""

from alembic import op

from shared.bus.account import create_statements

revision = "bus_0003"
down_revision = "bus_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute("alter table watermark drop column begun, drop column taken, drop column told, drop column settled")
