"""Whom a mirrored survivor absorbed is found without reading all merges."""

from alembic import op

revision = "eav_0006"
down_revision = "eav_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index eav_mirror_absorbed_into on eav_mirror_absorbed (type_id, into_id)")


def downgrade() -> None:
    op.execute("drop index eav_mirror_absorbed_into")
