"""Each column of each table is altered, one at a time, on a record of some 500 verdicts: the audit names every one."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.audit.verifying import verify
from millwright.storage.database.all_tables import metadata
from policies.engine.catalogue import Catalogue
from tests.audit.alterations import Alteration, alterations
from tests.audit.full_record import build_full
from tests.audit.held_tables import COLUMNS_WITHOUT_EFFECT, DERIVED, HELD, ONLY_ORDER, WITHOUT_EFFECT


class Alterer:
    """Somebody with all rights on the database, who puts everything back afterwards."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.execute("SET session_replication_role = replica")
        connection.execute("CREATE SCHEMA kept")
        for table in metadata.sorted_tables:
            connection.execute(sql.SQL("CREATE TABLE kept.{0} AS TABLE {0}").format(sql.Identifier(table.name)))

    def alterations(self) -> Iterator[Alteration]:
        """Every alteration, each tried on the record as it was."""
        yield from list(alterations(self._connection))

    def apply(self, alteration: Alteration) -> bool:
        """Applies one; false if a constraint of the database refuses it, or if two rows that are swapped are alike."""
        try:
            self._connection.execute(alteration.statement, alteration.values)
        except psycopg.IntegrityError:
            return False
        table = sql.Identifier(alteration.table)
        altered = sql.SQL("SELECT {0}::text FROM {0} EXCEPT ALL SELECT {0}::text FROM kept.{0}").format(table)
        missing = sql.SQL("SELECT {0}::text FROM kept.{0} EXCEPT ALL SELECT {0}::text FROM {0}").format(table)
        return bool(self._connection.execute(altered).fetchone() or self._connection.execute(missing).fetchone())

    def put_back(self, alteration: Alteration) -> None:
        """Puts the table back as it was."""
        table = sql.Identifier(alteration.table)
        columns = [column.name for column in metadata.tables[alteration.table].columns if column.computed is None]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        self._connection.execute(sql.SQL("DELETE FROM {}").format(table))
        self._connection.execute(
            sql.SQL("INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM kept.{0}").format(table, names)
        )


def test_every_table_is_in_one_of_the_three_lists() -> None:
    lists = (HELD, DERIVED, WITHOUT_EFFECT.keys())
    assert sorted(table for each in lists for table in each) == sorted(metadata.tables)
    columns = {f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns}
    assert COLUMNS_WITHOUT_EFFECT.keys() <= columns


@pytest.mark.timeout(600)
async def test_every_single_alteration_is_named_or_without_effect(
    database_url: str, storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    await build_full(storage_engine, tmp_path)
    compiled = Catalogue()
    whole = await verify(storage_engine, catalogue=compiled)
    assert whole.findings == ()
    assert whole.verdicts.stored > 500
    silent: set[str] = set()
    tried: set[str] = set()
    with psycopg.connect(database_url, autocommit=True) as connection:
        alterer = Alterer(connection)
        for alteration in alterer.alterations():
            tried.add(alteration.table)
            if not alterer.apply(alteration):
                continue
            if (await verify(storage_engine, catalogue=compiled)).verified:
                silent.add(alteration.table if alteration.table in WITHOUT_EFFECT else alteration.of)
            alterer.put_back(alteration)
    # A row that waits to be judged is there for a moment only.
    assert tried == metadata.tables.keys() - {"pending"}
    # An altered number is named where it changes the order of rows, which depends on the row.
    assert silent | ONLY_ORDER == WITHOUT_EFFECT.keys() | COLUMNS_WITHOUT_EFFECT.keys()
