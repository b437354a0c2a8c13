"""The database chains the ledger's rows itself, so that nobody holds the head while a client thinks."""

from collections.abc import Sequence

from alembic import op

revision: str = "0011_ledger_chain"
down_revision: str | None = "0010_engines"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Builds that chain by themselves lock the same head.
expands = True


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION ledger_chain(entry_at timestamptz, entry_leaves integer, entry_root text, entry_engine text)
        RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            head ledger_head%ROWTYPE;
            next_seq bigint;
            next_hash text;
        BEGIN
            SELECT * INTO STRICT head FROM ledger_head FOR UPDATE;
            IF entry_engine <> head.engine THEN
                RAISE EXCEPTION 'engine % has taken over', head.engine USING ERRCODE = 'serialization_failure';
            END IF;
            next_seq := head.seq + 1;
            next_hash := encode(sha256(convert_to(format(
                '{"at":"%s","leaves":%s,"previous":"%s","root":"%s","seq":%s}',
                to_char(entry_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                entry_leaves, head.hash, entry_root, next_seq), 'UTF8')), 'hex');
            INSERT INTO ledger (seq, at, leaves, root, previous, hash)
            VALUES (next_seq, entry_at, entry_leaves, entry_root, head.hash, next_hash);
            UPDATE ledger_head SET seq = next_seq, hash = next_hash;
            RETURN next_seq;
        END $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_chain(timestamptz, integer, text, text)")
