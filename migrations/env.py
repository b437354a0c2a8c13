"""Runs migrations on the URL given by `-x url=…`, the caller's config, or MILLWRIGHT_DATABASE_URL."""

import os

from alembic import context
from sqlalchemy import create_engine, pool, text

from millwright.storage.tables import metadata


def _url() -> str:
    given = context.get_x_argument(as_dictionary=True).get("url") or context.config.get_main_option("sqlalchemy.url")
    url = given or os.environ.get("MILLWRIGHT_DATABASE_URL")
    if not url:
        raise SystemExit("no database: set MILLWRIGHT_DATABASE_URL or pass -x url=postgresql://…")
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


engine = create_engine(_url(), poolclass=pool.NullPool)
with engine.connect() as connection:
    # A migration that cannot have its lock gives up, instead of making the whole plant queue behind it.
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
