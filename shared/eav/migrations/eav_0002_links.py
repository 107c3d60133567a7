"""Links in both directions, relations made at run time, and limits on the number of links."""

from alembic import op

revision = "eav_0002"
down_revision = "eav_0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Every link is two rows, one per direction, under the relation and its inverse: each end pages by the primary key.
    """create table eav_link(
        relation int not null, from_id bigint not null, to_id bigint not null, since timestamp not null,
        clock bigint not null, primary key(relation, from_id, to_id))""",
    "create sequence eav_relation_id as int start 10001 maxvalue 999999",
    """create table eav_relation(
        id int primary key, inverse int not null, from_type text not null, to_type text not null,
        name text not null, label text)""",
    "create table eav_relation_limit(relation int primary key, most int not null check (most > 0))",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table eav_relation_limit")
    op.execute("drop table eav_relation")
    op.execute("drop sequence eav_relation_id")
    op.execute("drop table eav_link")
