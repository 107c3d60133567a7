"""What policies ask of linked entities."""

from alembic import op

from services.service_desk.promises.tables import LINKED, LINKED_TABLES

revision = "service_desk_0006"
down_revision = "service_desk_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in LINKED:
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"drop table if exists {LINKED_TABLES}")
