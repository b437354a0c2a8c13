"""Every promise of the design has a test that bears its number."""

import re
from pathlib import Path

PROMISES = range(1, 10)


def test_every_promise_has_a_test_named_after_it() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_promise_*.py"))
    named = {int(number) for number in re.findall(r"def test_promise_(\d+)_", text)}
    assert named == set(PROMISES)
