"""Saved views."""

from alembic import op

from shared.service import views

revision = "kit_0015"
down_revision = "kit_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in views.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(views.DROP)
