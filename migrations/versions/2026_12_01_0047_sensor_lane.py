"""A signal can have declared limits, and a suspected sensor can be masked. Earlier builds do not work on these tables:
they do not know this kind of suppression."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0047_sensor_lane"
down_revision: str | None = "0046_freshness"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_KINDS = "kind IN ('shelf', 'window', 'work', 'standstill', 'out_of_service')"
_WITH_MASKS = "kind IN ('shelf', 'window', 'work', 'standstill', 'out_of_service', 'mask')"


def upgrade() -> None:
    op.add_column("observables", sa.Column("limits", JSONB(none_as_null=True)))
    op.drop_constraint(op.f("ck_suppressions_kind"), "suppressions")
    op.create_check_constraint(op.f("ck_suppressions_kind"), "suppressions", _WITH_MASKS)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_suppressions_kind"), "suppressions")
    op.create_check_constraint(op.f("ck_suppressions_kind"), "suppressions", _KINDS)
    op.drop_column("observables", "limits")
