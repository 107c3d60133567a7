"""Pipelines, their stages and what happened to them."""

from alembic import op

from shared.service.pipelines import store

revision = "kit_0004"
down_revision = "kit_0003"
branch_labels = None
depends_on = "eav_0004"


def upgrade() -> None:
    for statement in store.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table if exists pipeline_audit, pipeline_stage, pipeline")
    op.execute("drop sequence if exists pipeline_number")
