"""The record can only grow: the database itself refuses to change or delete it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0002_append_only"
down_revision: str | None = "0001_first_light"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLES = ("ledger", "verdicts", "acts", "contexts", "policy_versions", "policy_signatures", "labels", "duplicates")
# SHA-256 of the empty string: what the first row of the ledger is chained to.
GENESIS = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(f"INSERT INTO ledger_head (single, seq, hash) VALUES (true, 0, '{GENESIS}')")


def downgrade() -> None:
    op.execute("DELETE FROM ledger_head")
    for table in TABLES:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
