"""How many entities one is linked to."""

from alembic import op

from shared.service import counting

revision = "kit_0018"
down_revision = "kit_0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in counting.create_statements():
        op.execute(statement)


def downgrade() -> None:
    for statement in counting.drop_statements():
        op.execute(statement)
