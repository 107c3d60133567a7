"""The last words on links between two services, of which both logs tell."""

from alembic import op

from shared.service.replica.said import create_statement

revision = "reporting_0005"
down_revision = "reporting_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(create_statement())


def downgrade() -> None:
    op.execute("drop table if exists fact_link_said")
