"""What clocks of archived tickets came to is recorded too: those that have something to tell are found by an index; the
one of clocks to be worked out anew is without those of archived tickets."""

from alembic import op

revision = "service_desk_0014"
down_revision = "service_desk_0013"
branch_labels = None
depends_on = None

UPGRADE = (
    "create index sla_clock_gone on sla_clock (ticket_id) where shown < seq and gone",
    "drop index sla_clock_redo",
    "create index sla_clock_redo on sla_clock (ticket_id) where redo and not gone",
)
DOWNGRADE = (
    "drop index sla_clock_gone",
    "drop index sla_clock_redo",
    "create index sla_clock_redo on sla_clock (ticket_id) where redo",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
