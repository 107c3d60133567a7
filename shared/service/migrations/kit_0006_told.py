"""Which declared types the log was told of."""

from alembic import op

from shared.service import catalog_news

revision = "kit_0006"
down_revision = "kit_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in catalog_news.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table if exists told_type")
