"""Clocks tell which promise was missed: where one was, and where one has ended, they are worked out anew."""

from alembic import op

revision = "service_desk_0012"
down_revision = "service_desk_0011"
branch_labels = None
depends_on = None

UPGRADE = """
update sla_clock set redo = true, next_at = null where not gone and not redo
    and (jsonb_array_length(progress->8) > 0 or progress @? '$[7][*][13] ? (@ != null)')
"""
# An earlier version reads clocks without it only.
DOWNGRADE = """
update sla_clock set progress = (
    select jsonb_agg(case when place in (8, 9) then (
        select coalesce(jsonb_agg(clock - 15 order by number), '[]')
        from jsonb_array_elements(part) with ordinality c(clock, number)) else part end order by place)
    from jsonb_array_elements(progress) with ordinality p(part, place))
where progress @? '$[7][*][15]' or progress @? '$[8][*][15]'
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute(DOWNGRADE)
