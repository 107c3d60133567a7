"""Versions are proven by checksums, kept beside them."""

from alembic import op

from shared.service.replica.schema import sum_statements

revision = "reporting_0007"
down_revision = "reporting_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in sum_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute("alter table fact_version drop column if exists checksum")
    op.execute("drop function if exists fact_version_sum")
