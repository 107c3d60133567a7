"""The ledger of erasures."""

from alembic import op

from shared.service.erasure import ledger

revision = "kit_0007"
down_revision = "kit_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in ledger.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(ledger.DROP)
