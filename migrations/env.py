"""Runs migrations on the URL given by `-x url=…`, the caller's config, or MILLWRIGHT_DATABASE_URL."""

import os

from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, pool, text

import millwright.storage.database.case_tables
import millwright.storage.database.event_tables
import millwright.storage.database.hold_tables
import millwright.storage.database.ledger_tables
import millwright.storage.database.person_tables
import millwright.storage.database.policy_tables
import millwright.storage.database.study_tables
import millwright.storage.database.suppression_tables  # noqa: F401 - its tables are in the metadata too
from millwright.storage.database.tables import metadata


def _url() -> str:
    given = context.get_x_argument(as_dictionary=True).get("url") or context.config.get_main_option("sqlalchemy.url")
    url = given or os.environ.get("MILLWRIGHT_DATABASE_URL")
    if not url:
        raise SystemExit("no database: set MILLWRIGHT_DATABASE_URL or pass -x url=postgresql://…")
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _keep_oldest(connection: Connection) -> None:
    """Writes down the oldest revision whose builds these tables can bear: the last that did more than add."""
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return
    script = context.script.get_revision(current)
    while getattr(script.module, "expands", False) and isinstance(script.down_revision, str):
        script = context.script.get_revision(script.down_revision)
    kept = connection.scalar(text("SELECT obj_description('alembic_version'::regclass, 'pg_class')"))
    if kept != script.revision:
        connection.execute(text(f"COMMENT ON TABLE alembic_version IS '{script.revision}'"))
    connection.commit()


engine = create_engine(_url(), poolclass=pool.NullPool)
with engine.connect() as connection:
    # A migration that cannot have its lock gives up, instead of making the whole plant queue behind it.
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    _keep_oldest(connection)
