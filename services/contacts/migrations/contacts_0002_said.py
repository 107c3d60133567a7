"""What was said about tickets; lines by who made them. The desk is read anew, since its log told of that before."""

from alembic import op

from services.contacts.timeline.tables import said_statements

revision = "contacts_0002"
down_revision = "contacts_0001"
branch_labels = None
depends_on = None

# An epoch that no log has: see `shared.service.mirrors.schema`. Where nobody has followed yet there is no table either.
_ANEW = """
do $$ begin
    if to_regclass('watermark') is not null then
        update watermark set epoch = '00000000-0000-0000-0000-000000000000'
        where subscription = 'contacts.timeline.of.service_desk';
    end if;
end $$
"""


def upgrade() -> None:
    for statement in (*said_statements(), _ANEW):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop index if exists timeline_entry_actor")
    op.execute("drop table if exists timeline_said")
