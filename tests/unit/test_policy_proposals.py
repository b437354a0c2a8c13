"""Small changes of a version: each compiles, each changes one thing, and chatter is known when it is seen."""

import contextlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.anomaly import Anomaly, AnomalyKind
from domain.errors import PolicyRejected
from domain.verdict import Context
from policies.engine.catalogue import Catalogue
from policies.engine.judging import compile_policy
from policies.evaluation.backtest import FaultHistory, PastEvent
from policies.evaluation.proposals import CHATTERING, Proposal, chatter, left_alone, proposals
from policies.language.schema import Rule, Table
from tests.support.drafts import row, rule, table, text
from tests.support.mutations import mutations

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 1, tzinfo=UTC)
CONTEXT = Context(asset="p", asset_class="pump", criticality=None, machine="m", line="L", codes=1)


def made(version: str) -> list[Proposal]:
    return proposals(Catalogue.published().find("rotating-equipment", version).text, ["pump", "cnc"], ["pump"])


def when(proposal: Proposal) -> dict[str, str]:
    rules = [entry for entry in compile_policy(proposal.text, "draft").document.rules if isinstance(entry, Rule)]
    return {entry.id: " ".join(entry.when.split()) for entry in rules}


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_every_proposal_is_a_draft_of_the_next_version_that_compiles_and_differs(version: str) -> None:
    found = made(version)
    assert len(found) > 20
    digests = {compile_policy(proposal.text, "draft").digest for proposal in found}
    assert len(digests) == len(found)
    old = Catalogue.published().find("rotating-equipment", version).document
    for proposal in found:
        document = compile_policy(proposal.text, "draft").document
        assert document.version == f"1.{int(version[2]) + 1}.0"
        assert len(document.rules) == len(old.rules)
        assert document.memory == old.memory


def test_the_matching_error_is_asked_of_one_class_and_of_rules_that_order() -> None:
    (proposal,) = (
        proposal for proposal in made("1.0.0") if proposal.words == "require the matching error for pump assets"
    )
    changed = when(proposal)
    more = " && (asset.class != 'pump' || (memory.codes >= 1 && memory.codes >= asset.codes))"
    assert changed["minor-shift"] == f"anomaly.kind == 'deviation'{more}"
    assert changed["code-alone"] == "anomaly.kind == 'code'"


def test_a_dead_band_lies_above_what_is_ignored_already() -> None:
    bands = [proposal for proposal in made("1.1.0") if proposal.family == "dead-band pump"]
    assert [when(proposal)["weak-deviation"] for proposal in bands] == [
        f"anomaly.kind == 'deviation' && (anomaly.score <= 4.0 || (asset.class == 'pump' && anomaly.score <= {band}))"
        for band in ("5.0", "6.0")
    ]


def test_named_parameters_and_comments_are_kept_and_moved() -> None:
    old = Catalogue.published().find("rotating-equipment", "1.1.0").text
    proposal = made("1.1.0")[0]
    assert "# A shift that the detector itself is sure of" in proposal.text
    assert "then: { rung: ignore }" in proposal.text
    changed = set(proposal.text.splitlines()) ^ set(old.splitlines())
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
            too_late=False,
        )
        for number, hour in enumerate(hours)
    ]
    return FaultHistory("p", "PDE", events)


def test_many_short_runs_within_a_week_are_chatter_and_one_long_one_is_not() -> None:
    assert chatter(history(*range(0, 100, 12))) == 9 >= CHATTERING
    assert chatter(history(*range(100))) == 0
    assert chatter(history(*(200.0 * number for number in range(8)))) == 1
    assert chatter(history()) == 0


MORE = """
parameters: { limit: 4.0, least: 2, low: -3, tiny: 0.00001, name: x, on: true }
states:
  - id: high
    says: The signal is high.
    observe: anomaly.kind == 'deviation'
    raise_when: anomaly.score > param.limit || anomaly.score >= 9.5
    clear_when: anomaly.score < 3.0
    on_delay: PT10M
    off_delay: PT0S
    of: 6
overrides:
  - for: { class: motor }
    because: They are loud.
    parameters: { limit: 6.0 }
    rules:
      - { replaces: single, id: single-loud, when: anomaly.score > 7.0, then: { rung: watch }, because: A, response: B }
"""
TABLED = text(
    table(
        "by-score",
        "highest",
        row("twice", "{ state.high.met: '>= 2', anomaly.score: '>= 0.5, < 900.0' }", "work_order"),
        row("coded", "{ memory.codes: '>= 1', anomaly.signal: '>= 3' }", "draft"),
        row("often", "{ memory.deviations: [3, 4], asset.criticality: [A, B] }", "draft"),
        row("other", "{}"),
        complete=True,
        when="anomaly.kind == 'deviation' && anomaly.score > 1.0",
    ),
    rule("single", "anomaly.score > 4.0"),
    rule("everything", "anomaly.kind != 'risk'", "work_order"),
    more=MORE,
)
TUTORIAL = re.findall(r"```yaml\n(# 1\.\d\.0\.yaml.*?)```", (ROOT / "docs/policies.md").read_text("utf-8"), re.DOTALL)
DRAFTS = [path.read_text("utf-8") for path in (ROOT / "policies/drafts").rglob("*.yaml") if "-cases" not in path.name]
ALL = [TABLED, *TUTORIAL, *DRAFTS]


@pytest.mark.parametrize("written", ALL)
def test_tables_and_states_are_proposed_changes_of_which_all_compile(written: str) -> None:
    found = proposals(written, ["pump"], ["pump"])
    digests = {compile_policy(proposal.text, proposal.words).digest for proposal in found}
    assert len(digests) == len(found) > 20
    assert compile_policy(written, "old").digest not in digests


def test_what_is_moved_in_a_table_and_a_state_is_said_in_words() -> None:
    words = {proposal.words for proposal in proposals(TABLED, ["pump"], [])}
    assert {
        "in twice, state.high.met >= 2 becomes 3",
        "in twice, anomaly.score >= 0.5 becomes 0.75",
        "in coded, memory.codes >= 1 becomes 2",
        "in table by-score, anomaly.score > 1.0 becomes 0.9",
        "in raise_when of state high, anomaly.score >= 9.5 becomes 10.45",
        "in single-loud, anomaly.score > 7.0 becomes 8.75",
        "on_delay of state high PT10M becomes PT20M",
        "parameter limit for class motor 6.0 becomes 9.0",
        "parameter least 2 becomes 3",
        "require the matching error",
    } <= words
    assert not any("anomaly.signal" in sentence or "low" in sentence or "PT0" in sentence for sentence in words)


def test_ordering_rows_ask_for_more_in_a_cell() -> None:
    (proposal,) = (
        proposal for proposal in proposals(TABLED, [], []) if proposal.words == "ask for 6 deviations within the window"
    )
    (asked,) = (entry for entry in compile_policy(proposal.text, "draft").document.rules if isinstance(entry, Table))
    cells = {row.id: row.when.get("memory.deviations") for row in asked.rows}
    assert cells == {"twice": ">= 6", "coded": ">= 6", "often": (3, 4), "other": None}


def test_what_no_change_touches_is_named() -> None:
    told = left_alone(TABLED)
    assert told[:3] == ("applies_to", "quality", "timing")
    assert any("tables" in sentence for sentence in told)
    assert any("state" in sentence for sentence in told)
    assert left_alone(TUTORIAL[0]) == ("applies_to", "quality", "timing")


@pytest.mark.parametrize("seed", range(2))
def test_of_whatever_compiles_every_proposal_is_a_version_or_refused_as_one(seed: int) -> None:
    for broken in mutations(ALL, 30, seed):
        with contextlib.suppress(PolicyRejected):
            compile_policy(broken, "mutation")
            for proposal in proposals(broken, [], ["pump"])[::7]:
                with contextlib.suppress(PolicyRejected):
                    compile_policy(proposal.text, proposal.words)
