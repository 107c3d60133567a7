"""What agents can take, rules by which entities are given out, who waits, and the ledger of who got what."""

from alembic import op

from shared.service.assignment import rows

revision = "kit_0013"
down_revision = "kit_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in rows.further_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(rows.DROP_REST)
