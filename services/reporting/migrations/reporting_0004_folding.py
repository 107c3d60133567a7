"""The ledger's old days folded by month; questions that were dear to answer, so that their answers are kept warm."""

from alembic import op

from services.reporting.tables import folding_statements
from services.reporting.warming import create_statement

revision = "reporting_0004"
down_revision = "reporting_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*folding_statements(), create_statement()):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table if exists dear_question")
    op.execute("drop view if exists ledger")
    op.execute("drop table if exists cell_month")
