"""Links to entities of other services: mirrors of those, where a link was written, and when one was undone."""

from alembic import op

revision = "eav_0005"
down_revision = "eav_0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    "alter table eav_type add column mirror_of text not null default ''",
    # Who wrote the link at `clock`; null: this service. A column of its own costs a row nothing while it is null.
    "alter table eav_link add column origin text",
    # When a link that others know of was last undone, so that what they wrote earlier does not bring it back. One row
    # a link, not one per direction: under the smaller of its two names.
    """create table eav_unlinked(
        relation int not null, from_id bigint not null, to_id bigint not null, clock bigint not null, origin text,
        primary key(relation, from_id, to_id))""",
    # Ids that somebody linked to before their home told of them.
    """create table eav_pending(
        type_id int not null references eav_type on delete cascade, id bigint not null,
        since timestamp not null default timezone('utc', clock_timestamp()), primary key(type_id, id))""",
    # Merges at home: ids of two databases may be the same, so this is not eav_absorbed.
    """create table eav_mirror_absorbed(
        type_id int not null references eav_type on delete cascade, id bigint not null, into_id bigint not null,
        primary key(type_id, id))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("eav_mirror_absorbed", "eav_pending", "eav_unlinked"):
        op.execute(f"drop table {table}")
    op.execute("alter table eav_link drop column origin")
    op.execute("alter table eav_type drop column mirror_of")
