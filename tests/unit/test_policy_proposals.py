"""Small changes of a version: each compiles, each changes one thing, and chatter is known when it is seen."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.anomaly import Anomaly, AnomalyKind
from domain.verdict import Context
from policies.backtest import FaultHistory, PastEvent
from policies.catalogue import Catalogue
from policies.engine import compile_policy
from policies.proposals import CHATTERING, Proposal, chatter, proposals
from policies.schema import Rule

START = datetime(2026, 1, 1, tzinfo=UTC)
CONTEXT = Context(asset="p", asset_class="pump", criticality=None, machine="m", line="L", codes=1)


def made(version: str) -> list[Proposal]:
    return proposals(Catalogue.published().find("rotating-equipment", version).text, ["pump", "cnc"], ["pump"])


def when(proposal: Proposal) -> dict[str, str]:
    rules = [rule for rule in compile_policy(proposal.text, "draft").document.rules if isinstance(rule, Rule)]
    return {rule.id: " ".join(rule.when.split()) for rule in rules}


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_every_proposal_is_a_draft_of_the_next_version_that_compiles_and_differs(version: str) -> None:
    found = made(version)
    assert len(found) > 20
    digests = {compile_policy(one.text, "draft").digest for one in found}
    assert len(digests) == len(found)
    old = Catalogue.published().find("rotating-equipment", version).document
    for one in found:
        document = compile_policy(one.text, "draft").document
        assert document.version == f"1.{int(version[2]) + 1}.0"
        assert len(document.rules) == len(old.rules)
        assert document.memory == old.memory


def test_the_matching_error_is_asked_of_one_class_and_of_rules_that_order() -> None:
    (one,) = (one for one in made("1.0.0") if one.words == "require the matching error for pump assets")
    changed = when(one)
    more = " && (asset.class != 'pump' || (memory.codes >= 1 && memory.codes >= asset.codes))"
    assert changed["minor-shift"] == f"anomaly.kind == 'deviation'{more}"
    assert changed["code-alone"] == "anomaly.kind == 'code'"


def test_a_dead_band_lies_above_what_is_ignored_already() -> None:
    bands = [one for one in made("1.1.0") if one.family == "dead-band pump"]
    assert [when(one)["weak-deviation"] for one in bands] == [
        f"anomaly.kind == 'deviation' && (anomaly.score <= 4.0 || (asset.class == 'pump' && anomaly.score <= {band}))"
        for band in ("5.0", "6.0")
    ]


def test_named_parameters_and_comments_are_kept_and_moved() -> None:
    text = Catalogue.published().find("rotating-equipment", "1.1.0").text
    one = made("1.1.0")[0]
    assert "# A shift that the detector itself is sure of" in one.text
    assert "then: { rung: ignore }" in one.text
    changed = set(one.text.splitlines()) ^ set(text.splitlines())
    assert {line.split(":")[0].strip() for line in changed} == {"version", "title", "author", "when", "cases"}


def history(*hours: float) -> FaultHistory:
    events = [
        PastEvent(
            number,
            f"{number:05d}",
            Anomaly(
                kind=AnomalyKind.DEVIATION,
                asset="p",
                failure_mode="PDE",
                at=START + timedelta(hours=hour),
                detector="d",
                score=5.0,
            ),
            CONTEXT,
            aside=False,
        )
        for number, hour in enumerate(hours)
    ]
    return FaultHistory("p", "PDE", events)


def test_many_short_runs_within_a_week_are_chatter_and_one_long_one_is_not() -> None:
    assert chatter(history(*range(0, 100, 12))) == 9 >= CHATTERING
    assert chatter(history(*range(100))) == 0
    assert chatter(history(*(200.0 * number for number in range(8)))) == 1
    assert chatter(history()) == 0
