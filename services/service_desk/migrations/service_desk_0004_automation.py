"""Canned replies, macros and triggers, the ledger of what fired, what time will bring, and surveys."""

from alembic import op

from services.service_desk.macros import tables as declared
from services.service_desk.satisfaction import tables as surveys
from services.service_desk.triggers import tables as triggers

revision = "service_desk_0004"
down_revision = "service_desk_0003"
branch_labels = None
depends_on = None
TABLES = (declared, triggers, surveys)


def upgrade() -> None:
    for one in TABLES:
        for statement in one.create_statements():
            op.execute(statement)


def downgrade() -> None:
    for one in reversed(TABLES):
        for statement in one.drop_statements():
            op.execute(statement)
