"""What owners and followers were told are the kit's notices."""

from alembic import op

revision = "service_desk_0009"
down_revision = "service_desk_0008"
branch_labels = None
depends_on = "kit_0017"


def upgrade() -> None:
    op.execute("""insert into notice (owner_id, at, kind, entity_type, entity_id, detail, read_at)
        select owner_id, at, kind, 'ticket', ticket_id,
            detail || case when entry_id is null then '{}' else jsonb_build_object('entry', entry_id::text) end, read_at
        from desk_notification order by id""")
    op.execute("drop table desk_notification")


def downgrade() -> None:
    op.execute("""create table desk_notification (
        id bigint generated always as identity primary key, owner_id bigint not null, at timestamp not null,
        kind text not null, ticket_id bigint not null, entry_id bigint, detail jsonb not null default '{}',
        read_at timestamp)""")
    op.execute("""insert into desk_notification (owner_id, at, kind, ticket_id, entry_id, detail, read_at)
        select owner_id, at, kind, entity_id, (detail ->> 'entry')::bigint, detail - 'entry', read_at
        from notice where entity_type = 'ticket' order by id""")
    op.execute("delete from notice where entity_type = 'ticket'")
