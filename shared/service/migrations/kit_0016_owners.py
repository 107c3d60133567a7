"""What is known of owners: name, e-mail, main team."""

from alembic import op

from shared.service import people

revision = "kit_0016"
down_revision = "kit_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in people.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(people.DROP)
