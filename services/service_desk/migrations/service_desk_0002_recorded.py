"""Since when a ticket's clocks are watched: what they reached before that is history, about which nothing is done."""

from alembic import op

revision = "service_desk_0002"
down_revision = "service_desk_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table sla_clock add column recorded_at timestamp not null default timezone('utc', clock_timestamp())"
    )


def downgrade() -> None:
    op.execute("alter table sla_clock drop column recorded_at")
