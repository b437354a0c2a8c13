"""Documents that can fail: what there is stands in them, and the tree is as it says it is."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.routing import APIRoute
from typer.core import TyperGroup

from millwright.api.app import ROUTERS
from millwright.cli import app
from millwright.runtime.connector_settings import CMMS_CONNECTORS
from millwright.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 500
LONGEST_MODULE = 400
PROSE = (".py", ".md", ".toml", ".ini", ".yaml", ".yml", "Makefile", "run")
UNSAID = {"--help", "--home"}


@cache
def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@cache
def all_pages() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))


@cache
def tree() -> tuple[Path, ...]:
    """Every file that is, or would be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    return tuple(path for name in listed.splitlines() if (path := ROOT / name).is_file())


def prose() -> Iterator[Path]:
    return (path for path in tree() if path.name.endswith(PROSE))


def setting_row(name: str) -> str:
    """A setting's line in the table: the variable, its default, its meaning."""
    field = Settings.model_fields[name]
    return f"| `MILLWRIGHT_{name.upper()}` | {shown(field.default)} | {field.description} |"


def shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, timedelta):
        return f"`PT{value.total_seconds():.9g}S`"
    if isinstance(value, tuple):
        return f"`{json.dumps([str(part) for part in value])}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_row_with_default_and_meaning(name: str) -> None:
    assert setting_row(name) in page("settings.md").splitlines()


def test_no_setting_is_described_that_does_not_exist() -> None:
    rows = re.findall(r"^\| `MILLWRIGHT_([A-Z_]+)` \|", page("settings.md"), re.MULTILINE)
    beside = {"DATA", "API_KEY", "API_URL"}
    assert {row.lower() for row in rows if row not in beside} == set(Settings.model_fields)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command, by all its words."""

    def within(group: TyperGroup, words: str) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if isinstance(command, TyperGroup):
                yield from within(command, f"{words} {name}")
            else:
                yield f"{words} {name}", command

    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    yield from within(root, "millwright")


def command_pages() -> str:
    return page("cli.md") + "\n" + page("cli-figures.md")


def told(words: str) -> str:
    """What the page says of a command: from its name to the next command or heading."""
    found = re.search(rf"^\*\*`{words}[ `].*?(?=^\*\*`|^## |\Z)", command_pages(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"neither docs/cli.md nor docs/cli-figures.md has a paragraph that begins with **`{words}"
    return found[0]


@pytest.mark.parametrize(
    ("words", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_is_explained_with_its_options(words: str, command: Any) -> None:
    paragraph = told(words)
    for parameter in command.params:
        names = [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "option" and not UNSAID & set(names):
            assert any(f"`{name}" in paragraph for name in names) or words == "millwright up", names
        elif parameter.param_type_name == "argument":
            assert (parameter.metavar or parameter.name.upper()).strip("[]") in paragraph


def test_no_command_is_explained_that_does_not_exist() -> None:
    headings = re.findall(r"^\*\*`(millwright [a-z -]+[a-z])", command_pages(), re.MULTILINE)
    assert sorted(headings) == sorted(words for words, _ in commands())


@pytest.mark.parametrize(
    "connector", sorted(path.parent.name for path in (ROOT / "connectors").glob("*/*/manifest.toml"))
)
def test_every_connector_has_its_chapter(connector: str) -> None:
    pages = (
        "connectors.md",
        "cmms-connectors.md",
        "cmms-connectors-cloud.md",
        "rest-connector.md",
        "mes-connectors.md",
        "mes-connectors-http.md",
    )
    assert f"## `{connector}`" in "".join(map(page, pages))


def test_a_planner_is_told_what_to_do_in_each_cmms() -> None:
    (heading,) = re.findall(r"^\| you want to \| (.*) \|$", page("planners.md"), re.MULTILINE)
    # The words of a CMMS that is described in YAML are in its description.
    assert re.findall(r"`(\w+)`", heading) == [connector for connector in CMMS_CONNECTORS if connector != "rest"]


def wire_names() -> list[str]:
    """The names by which workflows, activities, signals and updates are known to the engine, from the source."""
    pattern = re.compile(r"@(?:workflow|activity)\.(?:defn|signal|update|query)\(name=\"([a-z-]+)\"")
    sources = [*(ROOT / "workflows").glob("*.py"), *(ROOT / "activities").glob("*.py")]
    return sorted({name for source in sources for name in pattern.findall(source.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("name", wire_names())
def test_every_wire_name_is_explained(name: str) -> None:
    assert f"`{name}`" in all_pages()


def routes() -> list[str]:
    """The API's routes, as `METHOD /path`."""
    found = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return sorted(f"{method} {route.path}" for route in found for method in route.methods or ())


def test_every_route_of_the_api_is_on_its_page() -> None:
    told = page("api.md")
    assert [route for route in routes() if f"`{route}`" not in told] == []


def test_no_file_is_longer_than_the_stop() -> None:
    long = {str(path.relative_to(ROOT)): count for path in prose() if (count := _lines(path)) > _longest(path)}
    assert long == {}


def _longest(path: Path) -> int:
    name = path.relative_to(ROOT).as_posix()
    module = path.suffix == ".py" and not name.startswith("migrations/versions/")
    return LONGEST_MODULE if module else LONGEST_FILE


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _found(pattern: str) -> dict[str, list[str]]:
    search = re.compile(pattern)
    found: dict[str, list[str]] = {}
    for path in tree():
        if path.suffix in (".png", ".parquet", ".gz"):
            continue
        hits = search.findall(path.read_text(encoding="utf-8", errors="replace"))
        if hits:
            found[str(path.relative_to(ROOT))] = hits
    return found


def test_nothing_is_left_for_later() -> None:
    words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    assert _found(rf"\b(?:{'|'.join(words)})\b") == {}


def test_no_package_registry_is_named() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted.org", "proxy.go" + "lang.org", "npm" + "js.org", "ana" + "conda.org"]
    assert _found("|".join(re.escape(host) for host in hosts)) == {}


def test_no_path_of_a_machine_is_written_down() -> None:
    roots = ["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers"]
    assert _found(rf"(?<![\w.<}}/-])/(?:{'|'.join(roots)})/\w+") == {}


def test_the_lock_names_packages_and_hashes_and_no_address() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_changelog_has_a_section_for_what_is_new() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (Unreleased|\d+\.\d+\.\d+)", text, re.MULTILINE)


def test_every_make_target_that_is_listed_exists_and_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    assert set(phony[1].split()) == targets
    explained = set(re.findall(r"^([a-z-]+):.*## \w", text, re.MULTILINE))
    assert {"run", "up", "test", "lint", "types", "bench", "check-imports", "migrations-check"} <= explained
