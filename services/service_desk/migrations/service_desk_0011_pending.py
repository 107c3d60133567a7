"""Steps that tickets have taken since their clocks were last folded: whoever reads the row folds them."""

from alembic import op

revision = "service_desk_0011"
down_revision = "service_desk_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table sla_clock add column pending jsonb not null default '[]'")


def downgrade() -> None:
    # What was not folded yet is worked out from history.
    op.execute("update sla_clock set redo = true, next_at = null where pending <> '[]' and not gone")
    op.execute("alter table sla_clock drop column pending")
