"""What the site has beside the pages of `docs`: pages of the root, and the decisions in the order of their numbers.

The site loads nothing from another host. The build fails where a page would.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "THIRD_PARTY_NOTICES.md": "third-party-notices.md",
}
DECISIONS = "decisions/index.md"
_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?(?:src|srcset|data)=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<link\b(?=[^>]*rel=[\"']?(?:stylesheet|preconnect|preload|icon))[^>]*?href=[\"']?((?:https?:)?//[^\"'\s>]+)"
)
_IMPORTED = re.compile(r"(?:@import\s+|url\()[\"']?((?:https?:)?//[^\"')\s]+)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the decisions to the navigation."""
    pages: list[Any] = [{"All": DECISIONS}]
    pages += [{title: f"decisions/{page.name}"} for page, title in _decisions(Path(config.docs_dir))]
    config.nav = [*(config.nav or []), {"Decisions": pages}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of the root and the list of decisions."""
    root = Path(config.docs_dir).parent
    for name, page in ROOT_PAGES.items():
        text = (root / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    rows = [f"- [{title}]({page.name})" for page, title in _decisions(Path(config.docs_dir))]
    files.append(File.generated(config, DECISIONS, content="\n".join(["# Decisions", "", *rows, ""])))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Leads links to what has another name on the site there."""
    markdown = markdown.replace("](decisions/)", f"]({DECISIONS})").replace("](../README.md", "](index.md")
    for name, page in ROOT_PAGES.items():
        markdown = markdown.replace(f"](../{name}", f"]({page}").replace(f"]({name}", f"]({page}")
    return markdown


def on_post_build(config: MkDocsConfig) -> None:
    """Looks for what a page or a stylesheet would load from another host.

    Raises:
        PluginError: there is something.
    """
    site = Path(config.site_dir)
    found = [
        f"{file.relative_to(site)}: {next(filter(None, hit))}"
        for pattern, ending in ((_LOADED, "html"), (_IMPORTED, "css"))
        for file in sorted(site.rglob(f"*.{ending}"))
        for hit in (match.groups() for match in pattern.finditer(file.read_text(encoding="utf-8")))
    ]
    if found:
        raise PluginError("loaded from another host: " + ", ".join(found))


def _decisions(docs: Path) -> list[tuple[Path, str]]:
    """The pages of decisions with their headings, by number."""
    pages = sorted((docs / "decisions").glob("[0-9]*.md"))
    return [(page, page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")) for page in pages]
