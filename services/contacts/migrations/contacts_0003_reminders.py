"""When tasks remind their owners."""

from alembic import op

from services.contacts import reminders

revision = "contacts_0003"
down_revision = "contacts_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in reminders.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(reminders.DROP)
