"""E-mail that goes out, and what is noted of e-mail that came in."""

from alembic import op

from services.service_desk.mail.tables import create_statements, drop_statements

revision = "service_desk_0003"
down_revision = "service_desk_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in create_statements():
        op.execute(statement)


def downgrade() -> None:
    for statement in drop_statements():
        op.execute(statement)
