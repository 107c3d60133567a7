"""What customers said of a cycle is an entity; what they said until now is carried over by upkeep's next rounds."""

from alembic import op

from services.service_desk.satisfaction.tables import extend_statements, shrink_statements

revision = "service_desk_0013"
down_revision = "service_desk_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in extend_statements():
        op.execute(statement)


def downgrade() -> None:
    for statement in shrink_statements():
        op.execute(statement)
