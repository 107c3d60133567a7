"""Options say more: under which option of another attribute they stand, and what they mean to their domain."""

from alembic import op

revision = "eav_0004"
down_revision = "eav_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table eav_option add column parent text not null default ''")
    op.execute("alter table eav_option add column detail jsonb not null default '{}'")


def downgrade() -> None:
    op.execute("alter table eav_option drop column parent, drop column detail")
