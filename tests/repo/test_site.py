"""The site of the pages: every page is on it, a link that leads nowhere fails it, and it loads nothing from outside."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The pages and what builds them, free to be changed."""
    for name in ("docs", ".ci"):
        shutil.copytree(_ROOT / name, tmp_path / name)
    for name in ("mkdocs.yml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "THIRD_PARTY_NOTICES.md"):
        shutil.copy(_ROOT / name, tmp_path / name)
    return tmp_path


def _build(root: Path, added: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Builds the site with these lines added to files."""
    for name, text in (added or {}).items():
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
    # As `make docs` builds it. With --quiet MkDocs would not count its warnings, and fail for none.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120, env=environment)


def test_every_page_and_every_decision_is_on_the_site(copy: Path) -> None:
    built = _build(copy)
    assert built.returncode == 0, built.stderr
    pages = {path.relative_to(copy / "docs").with_suffix(".html") for path in (copy / "docs").rglob("*.md")}
    named = ("index", "contributing", "changelog", "third-party-notices", "decisions/index")
    root_pages = {Path(f"{name}.html") for name in named}
    assert {page for page in pages | root_pages if not (copy / "build" / "site" / page).is_file()} == set()


def test_a_link_that_leads_nowhere_and_a_page_that_nobody_can_reach_fail_the_build(copy: Path) -> None:
    links = ("gone.md", "cli.md#gone", "../pyproject.toml", "images/gone.svg", "decisions/9999-gone.md")
    text = "\n".join(f"[leads nowhere]({link})" for link in links)
    built = _build(copy, {"docs/glossary.md": text, "docs/unlisted.md": "# Unlisted"})
    assert built.returncode == 1
    assert [name for name in (*links, "unlisted.md") if name not in built.stderr] == []


def test_what_a_page_would_load_from_another_host_fails_the_build(copy: Path) -> None:
    page = (
        "![badge](https://example.org/badge.svg)",
        '<script async src="//example.org/track.js"></script>',
        '<link href="https://example.org/a.css" rel="stylesheet">',
    )
    built = _build(
        copy,
        {"docs/glossary.md": "\n\n".join(page), "docs/stylesheets/site.css": "@import 'https://example.org/font.css';"},
    )
    assert built.returncode == 1
    assert [
        name for name in ("badge.svg", "track.js", "a.css", "font.css") if f"example.org/{name}" not in built.stderr
    ] == []
