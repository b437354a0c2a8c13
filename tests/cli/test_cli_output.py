"""What senders have chosen is shown on a terminal and not obeyed by it."""

import json

import pytest
from rich.panel import Panel

from millwright.cli.output import say, shown, write_json, write_rich, write_table

HOSTILE = "a\x1b[2J\x1b]0;owned\x07b\x9b31m\u202ec\x7f\r"
OBEYED = set("\x1b\x07\x9b\u202e\x7f\r")


def test_every_character_that_a_terminal_obeys_is_shown_as_an_escape() -> None:
    assert shown(HOSTILE) == "a\\u001b[2J\\u001b]0;owned\\u0007b\\u009b31m\\u202ec\\u007f\\u000d"
    assert (
        shown("Größe\t1 \N{MICRO SIGN}m\n\N{WHITE SMILING FACE}") == "Größe\t1 \N{MICRO SIGN}m\n\N{WHITE SMILING FACE}"
    )


def test_no_way_of_writing_lets_them_through(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(["name"], [[HOSTILE]], "none")
    write_rich(Panel(HOSTILE))
    write_json({"name": HOSTILE})
    say(HOSTILE)
    written = capsys.readouterr().out
    assert set(written).isdisjoint(OBEYED)
    assert written.count("owned") == 4


def test_json_holds_the_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"name": HOSTILE})
    assert json.loads(capsys.readouterr().out) == {"name": HOSTILE}
