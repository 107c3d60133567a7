"""Files that go with what is said about tickets."""

from alembic import op

from services.service_desk.attachments.tables import create_statements, drop_statements

revision = "service_desk_0010"
down_revision = "service_desk_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in create_statements():
        op.execute(statement)


def downgrade() -> None:
    for statement in drop_statements():
        op.execute(statement)
