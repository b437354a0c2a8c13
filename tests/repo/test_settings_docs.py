"""The page of settings says of each setting whether it steers, as the code declares it."""

import re
from pathlib import Path
from typing import Final

from millwright.steering.declared import DOES_NOT_STEER, STEERS

_PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")


def _variable(setting: str) -> str:
    return f"`{setting}`" if "." in setting else f"`MILLWRIGHT_{setting.upper()}`"


def test_the_page_lists_what_steers_which_processes_and_why_the_rest_does_not() -> None:
    rows = re.findall(r"^\| (`[\w.]+`) \| ([^|]+) \|$", _PAGE, re.MULTILINE)
    steering = [(_variable(name), ", ".join(sorted(processes))) for name, processes in STEERS.items()]
    assert rows == [*steering, *((_variable(name), reason) for name, reason in DOES_NOT_STEER.items())]
