"""Pages of HTML: what they show is escaped, and nothing else writes HTML."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from millwright.pages import render

_ROOT = Path(__file__).resolve().parents[2]
_TAG = re.compile(r"</?(a|body|code|dd|dl|dt|h[1-6]|head|html|li|p|pre|span|style|table|td|th|tr|ul)[ >]")
_WITHOUT_A_TEMPLATE = (
    # The description of a request in Odoo is HTML.
    _ROOT / "connectors" / "cmms" / "odoo" / "text.py",
    # The page that stands in the way of an answer in a trial.
    _ROOT / "millwright" / "connector_trial" / "wire_faults.py",
)


def test_no_module_but_the_templates_writes_html() -> None:
    packages = ("domain", "policies", "connectors", "activities", "workflows", "millwright")
    sources = [file for package in packages for file in (_ROOT / package).rglob("*.py")]
    assert [
        file for file in sources if file not in _WITHOUT_A_TEMPLATE and _TAG.search(file.read_text(encoding="utf-8"))
    ] == []
    assert _TAG.search((_ROOT / "millwright/pages/templates/evidence.html.j2").read_text(encoding="utf-8"))


def test_a_page_that_lacks_a_value_is_not_made() -> None:
    with pytest.raises(UndefinedError, match="'backtest' is undefined"):
        render("backtest.html.j2")
