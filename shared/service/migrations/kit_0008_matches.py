"""Match rules and their keys."""

from alembic import op

from shared.service.matching import store

revision = "kit_0008"
down_revision = "kit_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in store.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(store.DROP)
