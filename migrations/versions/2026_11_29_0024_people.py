"""A person has an id, and a printed name that can be erased; roles and keys have rows with their times."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0024_people"
down_revision: str | None = "0023_unreadable_records"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

APPEND_ONLY = ("person_acts", "person_roles")


def upgrade() -> None:
    op.alter_column("people", "name", new_column_name="id")
    op.add_column("people", sa.Column("printed_name", sa.Text))
    op.add_column("people", sa.Column("name_salt", sa.Text))
    op.create_table(
        "person_acts",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("signed_by", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.Text),
        sa.Column("waits", sa.Boolean, nullable=False),
        sa.Column("confirms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_acts")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_person_acts_person")),
        sa.ForeignKeyConstraint(["confirms"], ["person_acts.id"], name=op.f("fk_person_acts_confirms")),
        sa.UniqueConstraint("signature", name=op.f("uq_person_acts_signature")),
        sa.UniqueConstraint("confirms", name=op.f("uq_person_acts_confirms")),
    )
    op.create_table(
        "person_roles",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("roles", JSONB, nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_roles")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_person_roles_person")),
    )
    op.create_index("ix_person_roles_person", "person_roles", ["person", "id"])
    op.create_table(
        "person_keys",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("enrolled_by", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_keys")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_person_keys_person")),
        sa.ForeignKeyConstraint(["enrolled_by"], ["person_acts.id"], name=op.f("fk_person_keys_enrolled_by")),
        sa.CheckConstraint("kind IN ('api', 'signing')", name=op.f("ck_person_keys_kind")),
    )
    op.create_index("ix_person_keys_person", "person_keys", ["person", "kind", "id"])
    op.create_index("ix_person_keys_api", "person_keys", ["value"], unique=True, postgresql_where="kind = 'api'")
    op.execute("INSERT INTO person_roles (person, roles, from_at) SELECT id, roles, added_at FROM people ORDER BY id")
    op.execute(
        "INSERT INTO person_keys (person, kind, value, from_at) "
        "SELECT id, 'signing', public_key, added_at FROM people ORDER BY id"
    )
    op.execute(
        "INSERT INTO person_keys (person, kind, value, from_at) "
        "SELECT id, 'api', api_key_hash, added_at FROM people ORDER BY id"
    )
    for column in ("roles", "api_key_hash", "public_key"):
        op.drop_column("people", column)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.add_column("people", sa.Column("roles", JSONB))
    op.add_column("people", sa.Column("api_key_hash", sa.Text))
    op.add_column("people", sa.Column("public_key", sa.Text))
    op.execute(
        "UPDATE people p SET roles = coalesce((SELECT r.roles FROM person_roles r WHERE r.person = p.id "
        "ORDER BY r.id DESC LIMIT 1), '[]')"
    )
    # A person who never enrolled, or whose keys have ended, has keys that nobody can use.
    for column, kind in (("api_key_hash", "api"), ("public_key", "signing")):
        op.execute(
            f"UPDATE people p SET {column} = coalesce((SELECT k.value FROM person_keys k WHERE k.person = p.id "
            f"AND k.kind = '{kind}' AND (k.until IS NULL OR now() < k.until) "
            "ORDER BY k.id DESC LIMIT 1), 'none ' || p.id)"
        )
    for column in ("roles", "api_key_hash", "public_key"):
        op.alter_column("people", column, nullable=False)
    op.create_unique_constraint(op.f("uq_people_api_key_hash"), "people", ["api_key_hash"])
    for table in ("person_keys", "person_roles", "person_acts"):
        op.drop_table(table)
    op.drop_column("people", "name_salt")
    op.drop_column("people", "printed_name")
    op.alter_column("people", "id", new_column_name="name")
