"""Which ids, printed names and roles a person may have."""

import pytest

from domain.errors import ActRejected
from domain.people import check_id, check_printed_name, check_roles

HOSTILE_IDS = [
    "",
    "LOCAL",
    "Anna",
    "local",
    "millwright",
    "operations",
    "system",
    "worker",
    "0123456789ab",
    "../x",
    "a/b",
    "a b",
    "a\tb",
    "anna\x00",
    "anna\n",
    "\u202eanna",
    "\u0430nna",
    ".anna",
    "anna.",
    "-",
    "a" * 65,
    "an\u200bna",
    "0laf",
]


@pytest.mark.parametrize("person", HOSTILE_IDS, ids=ascii)
def test_a_hostile_id_is_refused(person: str) -> None:
    with pytest.raises(ActRejected):
        check_id(person, ["olaf"])


@pytest.mark.parametrize("person", ["a", "anna", "anna.berg", "p-0815", "x_1"])
def test_a_plain_id_is_taken(person: str) -> None:
    check_id(person, ["olaf"])


HOSTILE_NAMES = [
    "",
    " Anna",
    "Anna ",
    "An\x00na",
    "An\nna",
    "An\x1b[31mna",
    "An\u202ena",
    "An\u200bna",
    "An\u00a0na",
    "A\u0301nna",
    "\u0410nna Berg",
    "x" * 101,
    "ANNA BERG",
    "Anna  Berg",
    "\uff21nna Berg",
    "0laf Lie",
    "\u041e\u0421\u0410",
    "Local",
    "Operations",
]
"""Among them: other spaces, a name not in NFC, one letter of another script, and a whole word that looks Latin."""


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_hostile_printed_name_is_refused(name: str) -> None:
    with pytest.raises(ActRejected):
        check_printed_name(name, ["Anna Berg", "Olaf Lie", "Oca"])


@pytest.mark.parametrize("name", ["Анна Берг", "José Álvarez", "Nguyễn Thị Minh", "山田太郎", "O'Neill-Smith 2"])
def test_a_name_of_any_script_is_taken(name: str) -> None:
    check_printed_name(name, ["Anna Berg"])


@pytest.mark.parametrize("role", ["author", "approver", "operator", "planner", "production", "ingest"])
def test_an_administrator_has_no_role_that_acts(role: str) -> None:
    with pytest.raises(ActRejected, match="administrator"):
        check_roles(["administrator", role])
