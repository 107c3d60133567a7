"""Merges: who was absorbed by whom, what each merge moved, and unique values that lead to a survivor."""

from alembic import op

revision = "eav_0003"
down_revision = "eav_0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    # An alias is a unique value that a merge brought along: it is not the entity's own, but nobody else's either.
    "alter table eav_unique add column alias boolean not null default false",
    # survivor: whom the id means now, however many merges lie between; into_id: who absorbed it.
    """create table eav_absorbed(
        id bigint primary key, type_id int not null references eav_type on delete cascade,
        survivor bigint not null, into_id bigint not null, merge_id bigint not null)""",
    "create index on eav_absorbed(survivor)",
    # What history does not tell of a merge. aliases: [attribute id, key, who had it, whether as an alias].
    """create table eav_merge(
        id bigint generated always as identity primary key,
        type_id int not null references eav_type on delete cascade,
        survivor bigint not null, version int not null, absorbed bigint[] not null,
        at timestamp not null default timezone('utc', clock_timestamp()), undone_version int,
        sources json not null, aliases json not null)""",
    "create index on eav_merge(survivor)",
    # Links of absorbed entities, from their side. moved: whether the survivor got it.
    """create table eav_merge_link(
        merge_id bigint not null references eav_merge on delete cascade, relation int not null,
        absorbed bigint not null, other_id bigint not null, moved boolean not null, since timestamp not null,
        clock bigint not null, primary key(merge_id, relation, absorbed, other_id))""",
    "create index on eav_merge_link(other_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("eav_merge_link", "eav_absorbed", "eav_merge"):
        op.execute(f"drop table {table}")
    op.execute("delete from eav_unique where alias")
    op.execute("alter table eav_unique drop column alias")
