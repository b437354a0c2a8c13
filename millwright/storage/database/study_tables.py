"""The table of what was asked of the stored past over HTTP."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Integer, LargeBinary, Table, Text

from millwright.storage.database.tables import Moment, metadata

studies = Table(
    "studies",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("against", Text),
    Column("since", Moment),
    Column("until", Moment),
    Column("crews", Integer, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("judged", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("ended_at", Moment),
    Column("problem", Text),
    Column("fix", Text),
    Column("result", LargeBinary),
    Column("page", LargeBinary),
    CheckConstraint("kind IN ('backtest', 'suggestions')", name="kind"),
)
"""Backtests and searches for drafts. `judged` of `total` is how far it is; `result` is JSON, `page` HTML, in UTF-8."""
