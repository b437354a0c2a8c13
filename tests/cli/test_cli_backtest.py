"""`policy backtest` as CI and an engineer meet it."""

from pathlib import Path

import orjson

from policies.engine.catalogue import Catalogue
from tests.cli.conftest import Millwright


def test_a_backtest_shows_both_versions_and_what_would_be_otherwise(played: Millwright) -> None:
    found = played("policy", "backtest", "1.0.0")
    assert found.exit_code == 2, found.output
    assert "1.0.0 against 1.1.0: It cannot be judged" in found.stdout
    assert "past decisions on 1 assets would differ" in found.stdout


def test_its_json_says_how_much_would_change_and_by_how_far(played: Millwright) -> None:
    found = orjson.loads(played("policy", "backtest", "1.0.0", "--json").stdout)
    decisions = len(found["decisions"])
    assert found["changed"] == {"assets": 1, "max_rung_change": 3, "decisions": decisions, "unattended": 0}
    assert (found["candidate"]["version"], found["against"]["version"], found["basis"]) == (
        "1.0.0",
        "1.1.0",
        "outcomes",
    )


def test_one_decision_is_shown_with_both_traces(played: Millwright) -> None:
    found = played("policy", "backtest", "1.0.0", "--decision", "1").stdout
    assert "1.1.0: watch" in found
    assert "1.0.0: work order" in found


def test_the_page_stands_alone(played: Millwright, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    played("policy", "backtest", "1.0.0", "--report", str(page))
    text = page.read_text()
    assert text.count("<svg") == 4
    assert "<details>" in text
    assert "src=" not in text
    assert "<link" not in text


def test_a_draft_that_decides_alike_is_not_worse_by_the_failures_of_a_register(
    played: Millwright, tmp_path: Path
) -> None:
    draft, register = tmp_path / "draft.yaml", tmp_path / "failures.csv"
    text = Catalogue.published().find("rotating-equipment", "1.1.0").text
    draft.write_text(text.replace("version: 1.1.0", "version: 1.2.0"))
    register.write_text("datetime,machineID,failure\n2015-01-11 06:00,1,comp1\n")
    asked = ["--since", "2015-01-01", "--until", "2015-01-20", "--failures", str(register)]
    found = played("policy", "backtest", str(draft), *asked)
    assert found.exit_code == 0, found.output
    assert "No past decision would differ." in found.stdout


def test_what_cannot_be_asked_exits_with_2_and_one_sentence(played: Millwright) -> None:
    for asked in (["9.9.9"], ["1.0.0", "--since", "soon"], ["1.0.0", "--since", "2030-01-01"]):
        found = played("policy", "backtest", *asked)
        assert (found.exit_code, found.stdout) == (2, "")
        assert len(found.stderr.splitlines()) == 1


def test_a_search_that_finds_nothing_says_so_and_publishes_nothing(played: Millwright, tmp_path: Path) -> None:
    before = played.json("policy", "show")
    said = played.says("policy", "suggest", "--out", str(tmp_path / "drafts"))
    assert "small changes of 1.1.0 tried on 2015-01-10" in said
    assert "None is worth it." in said
    assert played.json("policy", "show") == before


def test_hits_are_those_of_standing_verdicts(played: Millwright) -> None:
    found = {hits["rule"]: hits for hits in played.json("policy", "hits")["rules"]}
    assert {rule: hits["hits"] for rule, hits in found.items() if hits["hits"]} == {
        "single-shift": 2,
        "important-confirmed": 1,
        "code-during-shift": 1,
    }
    assert found["bad-quality"]["flag"] == "never_hit"
    assert "always hit" not in played.says("policy", "hits", "1.0.0")
