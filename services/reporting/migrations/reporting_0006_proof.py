"""Days of the ledger are proven by a weight kept with each group's total; repairs say which groups they were."""

from alembic import op

from services.reporting.tables import proof_statements

revision = "reporting_0006"
down_revision = "reporting_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in proof_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute("alter table repair drop column if exists found")
    op.execute("alter table total drop column if exists weight")
