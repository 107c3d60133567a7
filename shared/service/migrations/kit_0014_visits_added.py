"""The log of stage visits is only added to: a row no longer knows its end, which follows from the next one."""

from alembic import op

from shared.service.pipelines import visit_rows

revision = "kit_0014"
down_revision = "kit_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in visit_rows.ONLY_ADDED:
        op.execute(statement)


def downgrade() -> None:
    for statement in visit_rows.NOT_ONLY_ADDED:
        op.execute(statement)
