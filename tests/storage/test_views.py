"""The views for reports: they are as docs/views.md describes them, and their role reads nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

from domain.outcomes import OutcomeClass, Worth
from millwright.storage.database.all_tables import metadata
from millwright.storage.quality.reading import worth_sql
from tests.storage.test_runtime_role import refused, signed_in

_PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "views.md").read_text(encoding="utf-8")
_GRANTS: Final = re.findall(r"```sql\n(.*?)```", _PAGE, re.DOTALL)[0]
_ROLE: Final = "millwright_bi"
_COLUMNS: Final = """
SELECT table_name, column_name, CASE data_type WHEN 'ARRAY' THEN substr(udt_name, 2) || '[]' ELSE data_type END
FROM information_schema.columns WHERE table_schema = 'bi' ORDER BY table_name, ordinal_position
"""


@pytest.fixture
def reader(database_url: str) -> Iterator[str]:
    """The database's URL for the role of the page."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(_GRANTS.encode())
        yield signed_in(database_url, _ROLE)
        owner.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(_ROLE)))


def _described() -> list[tuple[str, str, str]]:
    sections = re.split(r"^## ", _PAGE, flags=re.MULTILINE)[1:]
    rows = [
        (section.split("\n", 1)[0], name, kind)
        for section in sections
        for name, kind in re.findall(r"^\| `(\w+)` \| ([\w \[\]]+) \| .+ \|", section, re.MULTILINE)
    ]
    return sorted(rows, key=lambda row: row[0])


def test_the_page_has_each_column_of_each_view_with_its_type_and_meaning(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute(_COLUMNS.encode()).fetchall() == _described()


def test_the_role_of_the_page_reads_every_view(reader: str) -> None:
    with psycopg.connect(reader) as connection:
        for view in sorted({view for view, _, _ in _described()}):
            connection.execute(sql.SQL("SELECT * FROM bi.{}").format(sql.Identifier(view)))


def test_the_role_of_the_page_reads_no_table_and_writes_nothing(reader: str) -> None:
    tables = [sql.SQL("SELECT * FROM public.{}").format(sql.Identifier(table)) for table in sorted(metadata.tables)]
    assert [table for table in tables if not refused(reader, table)] == []
    assert refused(reader, sql.SQL("SET default_transaction_read_only = off; DELETE FROM bi.labels"))


@pytest.mark.parametrize("outcome", OutcomeClass)
@pytest.mark.parametrize("cancelled", [False, True])
def test_an_outcome_counts_in_a_view_as_it_does_in_the_figures(
    database_url: str, outcome: OutcomeClass, cancelled: bool
) -> None:
    insert = (
        "INSERT INTO alert_facts (case_id, asset, failure_mode, policy_digest, detectors, model_versions, rung, "
        "event_at, opened_at, attached, outcome, cancelled) VALUES ('C', 'A', 'PDE', 'd', '{}', '{}', 3, now(), now(), "
        "false, %s, %s)"
    )
    with psycopg.connect(database_url) as connection:
        connection.execute(insert.encode(), (outcome.value, cancelled))
        shown = connection.execute(b"SELECT worth FROM bi.alerts").fetchone()
        counted = connection.execute(f"SELECT {worth_sql()} FROM alert_facts".encode()).fetchone()
    worth = Worth.UNLABELLED if cancelled else outcome.worth
    assert shown == counted == (worth.value,)
