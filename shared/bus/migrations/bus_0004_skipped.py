"""Events that were given up are counted."""

from alembic import op

from shared.bus.account import skipped_statement

revision = "bus_0004"
down_revision = "bus_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(skipped_statement())


def downgrade() -> None:
    op.execute("alter table watermark drop column if exists skipped")
