"""What was said about tickets that were merged before merging moved it is yet to be moved."""

from alembic import op

from services.service_desk.joining import CREATE

revision = "service_desk_0008"
down_revision = "service_desk_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in CREATE:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table if exists desk_joining")
