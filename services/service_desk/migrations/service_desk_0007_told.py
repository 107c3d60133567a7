"""What was recorded of each ticket's clocks: by a mark of what they had come to, and as which entities."""

from alembic import op

revision = "service_desk_0007"
down_revision = "service_desk_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create table sla_told (ticket_id bigint primary key, mark bigint not null, clocks bigint[] not null)")
    # What clocks have come to until now is recorded by the next rounds of upkeep.
    op.execute("update sla_clock set shown = 0 where shown > 0 and not gone")


def downgrade() -> None:
    op.execute("drop table sla_told")
