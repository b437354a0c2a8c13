"""The database roles of docs/security.md: the product runs with one that cannot change the record or any table."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

from millwright.audit.verifying import verify
from millwright.storage.database.engine import open_engine
from millwright.storage.database.installation_tables import INSTALLATION_APPEND_ONLY
from millwright.storage.database.person_tables import PERSON_APPEND_ONLY
from millwright.storage.database.policy_tables import POLICY_APPEND_ONLY
from millwright.storage.database.tables import APPEND_ONLY
from tests.audit.full_record import build_full

_PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "security.md"
_ROLES, _GRANTS = re.findall(r"```sql\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
_NAMES: Final = re.findall(r"CREATE ROLE (\w+)", _ROLES)
_RUNTIME, _AUDITOR = "millwright_runtime", "millwright_auditor"
GROWING: Final = sorted({*APPEND_ONLY, *POLICY_APPEND_ONLY, *PERSON_APPEND_ONLY, *INSTALLATION_APPEND_ONLY})


def signed_in(database_url: str, role: str) -> str:
    """The database's URL for a role."""
    return re.sub(r"//[^/@]*@", f"//{role}@", database_url)


@pytest.fixture
def roles(database_url: str) -> Iterator[str]:
    """A database whose owner made the roles and gave the rights as the page says; gives its URL."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(_ROLES.encode())
        owner.execute(_GRANTS.encode())
        yield database_url
        for name in _NAMES:
            owner.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))


async def test_the_product_runs_with_the_runtime_role_and_the_auditor_s_verifies(roles: str, tmp_path: Path) -> None:
    engine = open_engine(signed_in(roles, _RUNTIME))
    await build_full(engine, tmp_path)
    await engine.dispose()
    auditor = open_engine(signed_in(roles, _AUDITOR))
    report = await verify(auditor)
    await auditor.dispose()
    assert report.findings == ()
    assert report.verdicts.stored > 500


def refused(url: str, statement: sql.SQL | sql.Composed) -> bool:
    """Whether the database refuses a statement for want of rights."""
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


def test_the_role_that_runs_the_processes_changes_no_table_and_no_row_of_the_record(roles: str) -> None:
    url = signed_in(roles, _RUNTIME)
    rows = [
        sql.SQL(words).format(sql.Identifier(table))
        for table in GROWING
        for words in ("DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} DISABLE TRIGGER ALL", "DROP TABLE {}")
    ]
    others = [
        sql.SQL(words)
        for words in (
            "UPDATE ledger SET root = ''",
            "UPDATE acts SET body = ''",
            "UPDATE alembic_version SET version_num = ''",
            "CREATE TABLE public.mine ()",
            "SET session_replication_role = replica",
            "CREATE ROLE mallory",
            "DELETE FROM cases",
        )
    ]
    statements: list[sql.SQL | sql.Composed] = [*rows, *others]
    assert [statement.as_string() for statement in statements if not refused(url, statement)] == []


def test_the_auditor_s_role_changes_nothing(roles: str) -> None:
    url = signed_in(roles, _AUDITOR)
    statements = [
        sql.SQL("DELETE FROM due"),
        sql.SQL("UPDATE cases SET attempts = 1"),
        sql.SQL("INSERT INTO due DEFAULT VALUES"),
    ]
    assert [statement.as_string() for statement in statements if not refused(url, statement)] == []
