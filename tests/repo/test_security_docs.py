"""The pages on security: every test that is named exists, and the table of tables is that of the audit's tests."""

import re
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from domain.acting import ATTESTED, PERSONAL_ACTS, Strength
from millwright.storage.database.all_tables import metadata
from millwright.storage.database.installation_tables import INSTALLATION_APPEND_ONLY
from millwright.storage.database.person_tables import PERSON_APPEND_ONLY
from millwright.storage.database.policy_tables import POLICY_APPEND_ONLY
from millwright.storage.database.tables import APPEND_ONLY
from tests.audit.held_tables import COLUMNS_WITHOUT_EFFECT, DERIVED, HELD, WITHOUT_EFFECT

_ROOT: Final = Path(__file__).resolve().parents[2]
_PAGE: Final = (_ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_ZONES: Final = (_ROOT / "docs" / "zones.md").read_text(encoding="utf-8")
_TESTS: Final = "\n".join(path.read_text(encoding="utf-8") for path in (_ROOT / "tests").rglob("test_*.py"))
_REQUIREMENTS: Final = {1: 13, 2: 12, 3: 9, 4: 3, 5: 4, 6: 2, 7: 8}
"""IEC 62443-3-3: how many system requirements each foundational requirement has."""


def _section(title: str) -> str:
    found = re.search(rf"^## {title}$.*?(?=^## |\Z)", _PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[0]


def _granted(right: str) -> set[str]:
    """The tables on which the runtime role gets a right by name."""
    (names,) = re.findall(rf"GRANT {right} ON ((?:\w+,?\s+)+?)TO millwright_runtime;", _PAGE)
    return set(re.findall(r"\w+", names))


@pytest.mark.parametrize("test", sorted(set(re.findall(r"`(test_\w+)`", _PAGE))))
def test_every_test_that_a_threat_names_exists(test: str) -> None:
    assert f"def {test}(" in _TESTS


def test_every_threat_names_its_test_or_is_a_gap() -> None:
    rows = [line for line in _section("Threats").splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    assert [row for row in rows if "`test_" not in row and "**gap**" not in row] == []


def test_the_table_of_tables_has_each_table_as_the_tests_of_the_audit_hold_it() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (held|derived) \| .+ \| .+ \|$", _section("The table of tables"), re.MULTILINE)
    assert sorted(rows) == sorted(chain(((t, "held") for t in HELD), ((t, "derived") for t in DERIVED)))


def test_what_an_act_proves_is_what_the_table_of_acts_says() -> None:
    rows = re.findall(r"^\| (attested|signed) \| (.+) \|$", _section("What an act proves"), re.MULTILINE)
    shown = {strength: set(re.findall(r"`([\w-]+)`", kinds)) for strength, kinds in rows}
    signed = {kind for kind, personal in PERSONAL_ACTS.items() if personal.strength is Strength.SIGNED}
    assert shown == {"attested": ATTESTED, "signed": signed}


def test_what_is_without_effect_is_on_the_page_with_its_reason() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|$", _section("The table of tables"), re.MULTILINE)
    assert dict(rows) == {**WITHOUT_EFFECT, **COLUMNS_WITHOUT_EFFECT}


def test_the_runtime_role_may_change_no_row_that_only_grows() -> None:
    growing = {*APPEND_ONLY, *POLICY_APPEND_ONLY, *PERSON_APPEND_ONLY, *INSTALLATION_APPEND_ONLY}
    assert (_granted("UPDATE") | _granted("DELETE")) & growing == set()
    assert (_granted("UPDATE") | _granted("DELETE")) <= set(metadata.tables)


def test_every_requirement_of_the_standard_has_its_row() -> None:
    wanted = [f"SR {of}.{number}" for of, count in _REQUIREMENTS.items() for number in range(1, count + 1)]
    assert re.findall(r"^\| (SR \d+\.\d+) \|", _ZONES, re.MULTILINE) == wanted
