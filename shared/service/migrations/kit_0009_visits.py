"""What pipelines demand of their entities, and the log of who stood in which stage from when to when."""

from alembic import op

from shared.service.pipelines import visit_rows

revision = "kit_0009"
down_revision = "kit_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table pipeline add column metadata jsonb not null default '{}'")
    for statement in visit_rows.FIRST:
        op.execute(statement)


def downgrade() -> None:
    op.execute(visit_rows.DROP)
    op.execute("alter table pipeline drop column metadata")
