"""The installation has a key that administrators register, and attests what people do with their API key alone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028_attestations"
down_revision: str | None = "0027_senders"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# Earlier builds do not attest; the audit names what they let people do once a key is registered.
expands = True

APPEND_ONLY = ("installation_key_acts", "attestations")


def upgrade() -> None:
    op.create_table(
        "installation_key_acts",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("signed_by", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("proof", sa.Text),
        sa.Column("waits", sa.Boolean, nullable=False),
        sa.Column("confirms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation_key_acts")),
        sa.ForeignKeyConstraint(
            ["confirms"], ["installation_key_acts.id"], name=op.f("fk_installation_key_acts_confirms")
        ),
        sa.UniqueConstraint("signature", name=op.f("uq_installation_key_acts_signature")),
        sa.UniqueConstraint("confirms", name=op.f("uq_installation_key_acts_confirms")),
    )
    op.create_table(
        "attestations",
        sa.Column("ledger_seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("attestation", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("ledger_seq", name=op.f("pk_attestations")),
        sa.ForeignKeyConstraint(["ledger_seq"], ["ledger.seq"], name=op.f("fk_attestations_ledger_seq")),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("attestations")
    op.drop_table("installation_key_acts")
