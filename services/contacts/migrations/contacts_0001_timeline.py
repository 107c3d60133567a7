"""The timeline, and the types of other services whose changes stand in it."""

from alembic import op

from services.contacts.timeline.tables import create_statements, drop_statements
from shared.service.replica.schema import catalog_statements

revision = "contacts_0001"
down_revision = None
branch_labels = ("contacts",)
depends_on = None


def upgrade() -> None:
    for statement in (*create_statements(), *catalog_statements()):
        op.execute(statement)


def downgrade() -> None:
    for statement in (*drop_statements(), "drop table if exists replica_type"):
        op.execute(statement)
    op.execute("drop sequence if exists replica_version")
