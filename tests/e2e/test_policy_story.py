"""The life of a policy on a plant that plays: drafted, checked, proved, backtested, approved, tried, halted, mended,
activated from a date, rolled back; and every question about it answered afterwards.

That the summary of a run says what the backtest says is in `test_run`.
"""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from domain.canonical import timestamp
from millwright.bootstrap import open_storage
from millwright.demo.conductor import Tick
from millwright.demo.installation import Installation
from millwright.demo.performance import STEP, Beat, perform
from millwright.demo.summary import Summary
from sandbox.plant.generator import generate, write_dataset
from tests.e2e.played import verdicts_twice
from tests.e2e.policy_story import DAYS, IN_FORCE, LINE, MACHINES, MENDED, ON_TRIAL, ROLLED_BACK, SEED, PolicyStory
from tests.support.logging_as_found import logging_as_found

HARMLESS = "machine-001-comp4"
POLICY = "rotating-equipment"
EVIDENCE = ("check", "proof", "backtest")
FAST = {"MILLWRIGHT_STICKY_TIMEOUT": "PT1S", "MILLWRIGHT_WORKFLOW_TASK_TIMEOUT": "PT2S"}


class FinishedStory:
    """A story that was told to its end, over an installation that is still up."""

    def __init__(self, story: PolicyStory, summary: Summary, installation: Installation) -> None:
        self.story = story
        self.settings = installation.settings()
        self.database_url = installation.database_url
        self.said = story.said
        self.millwright = story.millwright
        self.summary = summary

    def history(self, version: str) -> list[dict[str, Any]]:
        """Everything that was done to a version."""
        acts: list[dict[str, Any]] = self.millwright.json("policy", "history", version)
        return acts

    def case(self) -> str:
        """A case that was opened while 1.3.2 was in force."""
        listed = self.millwright.json("case", "list", "--state", "all")
        began, ended = self.story.at(IN_FORCE), self.story.at(ROLLED_BACK)
        return next(str(case["id"]) for case in listed if began < datetime.fromisoformat(case["opened_at"]) < ended)

    def harmless(self) -> str:
        """The last event of a shift that no error code confirmed."""
        events = self.millwright.json("events", "list", "--fate", "decided", "--asset", HARMLESS, "--limit", "200")
        return str(events[-1]["id"])

    def tells(self, version: str) -> str:
        """The same in words."""
        return self.millwright.says("policy", "history", version)


@pytest.fixture(scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory, new_home: Callable[[], Path]) -> AsyncIterator[FinishedStory]:
    data, drafts = tmp_path_factory.mktemp("story-data"), tmp_path_factory.mktemp("story-drafts")
    write_dataset(generate(SEED, MACHINES, DAYS), data)
    with pytest.MonkeyPatch.context() as patched, logging_as_found():
        for name in [name for name in os.environ if name.startswith("MILLWRIGHT_")]:
            patched.delenv(name)
        patched.setenv("MILLWRIGHT_DATA", str(data))
        installation = Installation(new_home(), STEP, _silent, variables=FAST)
        installation.clear()
        story = PolicyStory(installation, data, drafts)

        def began(_sandbox: str) -> Beat:
            return story.beat

        try:
            summary = await perform(installation, _silent, _unseen, began)
            yield FinishedStory(story, summary, installation)
        finally:
            installation.stop()


def test_the_draft_is_checked_and_all_that_it_promises_is_proved(told: FinishedStory) -> None:
    assert "33 of 33 cases pass." in told.said["check"]
    proofs = {proof["property"]: proof["result"] for proof in told.said["proofs"]}
    assert len(proofs) >= 5
    assert set(proofs.values()) == {"proved"}
    assert "acts-on-all-that-1-2-0-acts-on" in proofs
    assert "is checked and proved, and in review" in told.said["submitted"]


def test_the_diff_says_what_is_decided_otherwise_and_that_nothing_else_is(told: FinishedStory) -> None:
    assert "watch → work order and hold for criticality A; kind code" in told.said["diff"]
    assert "It is proved that nothing else is decided differently." in told.said["diff"]


def test_with_its_backtest_attached_two_must_approve_and_not_three(told: FinishedStory) -> None:
    found = told.said["backtest"]
    assert (told.said["needed without a backtest"], told.said["needed with it"]) == (3, 2)
    assert found["standing"] != "worse"
    assert found["changed"]["assets"] * found["changed"]["max_rung_change"] > 10
    kept = [act for act in told.history("1.3.0") if act["what"] == "policy-evidence"]
    assert [(act["detail"]["kind"], act["by"]) for act in kept] == [(kind, "ada") for kind in EVIDENCE]
    assert orjson.loads(kept[-1]["detail"]["body"]) == {key: found[key] for key in found if key != "decisions"}


def test_two_people_who_did_not_write_it_approve_it_each_once(told: FinishedStory) -> None:
    assert "has no approval by anyone but its author" in told.said["shadowed too soon"]
    assert "ada wrote this version and cannot approve it" in told.said["author approves"]
    assert "it takes 1 more" in told.said["first approval"]
    assert "bert approved this version already" in told.said["approved twice"]
    assert "is approved." in told.said["second approval"]


def test_it_judges_in_the_shadow_and_then_acts_on_one_line_only(told: FinishedStory) -> None:
    assert sum(rule["hits"] for rule in told.said["shadowed"]["rules"]) > 0
    assert told.said["places"] == ["shadow for every line", f"canary for line {LINE}"]
    assert told.said["in force on trial"] == {LINE: f"{POLICY} 1.3.0", "LINE-2": f"{POLICY} 1.2.0"}


def test_a_rule_that_breaks_a_promise_never_gets_to_review(told: FinishedStory) -> None:
    assert "its property codes-never-lower" in told.said["broken promise"]
    assert "is refuted" in told.said["broken promise"]


def test_a_rule_that_orders_on_every_shift_halts_itself_and_what_it_displaced_acts_again(told: FinishedStory) -> None:
    [halt] = [act for act in told.history("1.3.1") if act["detail"].get("cause") == "halted"]
    assert halt["by"] == "millwright"
    assert re.fullmatch(r"more than 0\.\d+ orders per machine and day: \d+ in [\d.]+", halt["detail"]["reason"])
    assert told.story.at(ON_TRIAL) < datetime.fromisoformat(halt["at"]) < told.story.at(MENDED)
    [place] = told.said["after the halt"]["places"]
    assert place.startswith(f"halted as canary for line {LINE} at 2015-01-")
    assert told.said["in force after the halt"] == f"{POLICY} 1.3.0"
    assert f"the canary for line {LINE} halted itself: more than" in told.tells("1.3.1")


def test_what_was_mended_comes_into_force_on_its_date_though_the_worker_was_killed_before(told: FinishedStory) -> None:
    assert told.said["before its date"]["state"] == "approved"
    assert told.said["before its date"]["places"] == ["active for every line from 2015-01-10 18:00 UTC"]
    [turn] = [act for act in told.history("1.3.2") if act["what"] == "policy-came-into-force"]
    assert (datetime.fromisoformat(turn["at"]), turn["by"]) == (told.story.at(IN_FORCE), "millwright")
    assert told.said["in force"]["places"] == ["active for every line"]
    assert sum(told.summary.rungs["1.3.2"].values()) > 0


def test_it_is_rolled_back_and_the_list_tells_how_each_version_stands(told: FinishedStory) -> None:
    assert "rollback for every line" in told.said["rolled back"]
    versions = told.millwright.json("policy", "list")["versions"]
    assert {version["version"]: version["state"] for version in versions} == {
        "1.0.0": "approved",
        "1.2.0": "active",
        "1.3.0": "approved",
        "1.3.1": "withdrawn",
        "1.3.2": "rolled back",
    }


def test_the_history_tells_the_whole_life_in_words(told: FinishedStory) -> None:
    lines = told.tells("1.3.2")
    for said in (
        "saved it as a draft, revision 1: shifts wait for their codes again",
        "its check passed, with 33 cases",
        "its proof passed: 7 properties",
        "approved it: I read it, and why 1.3.1 was halted",
        "made it active for every line from 2015-01-10T18:00:00.000000Z: from the early shift on",
        "came into force as active for every line",
        "the active for every line was rolled back: the crew is away",
    ):
        assert said in lines


def test_what_was_in_force_is_told_as_of_then_and_as_it_was_known_then(told: FinishedStory) -> None:
    asked = ("policy", "in-force", "--line", "LINE-2", "--at", timestamp(told.story.at(11)))
    assert told.millwright.json(*asked)["version"] == f"{POLICY} 1.3.2"
    before = told.millwright.json(*asked, "--known-at", timestamp(told.story.at(8)))
    assert before["version"] == f"{POLICY} 1.2.0"


async def test_nothing_was_judged_by_two_active_versions_and_nothing_was_doubled(told: FinishedStory) -> None:
    async with open_storage(told.settings) as storage:
        assert await verdicts_twice(storage.engine) == 0
    assert (told.summary.plant.doubled_orders, told.summary.plant.open_holds) == (0, 0)
    assert told.summary.verdicts["stored"] == told.summary.verdicts["reproduced"]


def test_the_record_of_it_all_is_checked_here_and_by_the_file_that_stands_alone(
    told: FinishedStory, tmp_path: Path
) -> None:
    verified = told.millwright("audit", "verify")
    assert verified.exit_code == 0, verified.output
    told.millwright.says("audit", "export", str(tmp_path / "record"))
    checked = alone(tmp_path / "record" / "offline_verify.py", tmp_path / "record")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_question_of_an_auditor_is_answered(told: FinishedStory) -> None:
    case = told.case()
    began, ended = timestamp(told.story.at(0)), timestamp(told.story.at(DAYS + 1))
    asked = {
        "decided": (case,),
        "signed": ("1.3.1",),
        "in-force": ("--line", LINE, "--at", timestamp(told.story.at(11)), "--known-at", timestamp(told.story.at(8))),
        "affected": ("1.3.2",),
        "changed": ("--since", began, "--until", ended),
        "remade": (case,),
        "suppressed": ("--since", began, "--until", ended),
        "duties": (),
    }
    answers = {name: told.millwright.json("audit", "ask", name, *terms) for name, terms in asked.items()}
    said = {name: orjson.dumps(answer).decode() for name, answer in answers.items()}
    assert [name for name, answer in answers.items() if not answer["rows"]] == []
    assert "1.3.2" in said["decided"]
    assert "orders per machine and day" in said["signed"]
    assert "1.3.2" in said["in-force"]
    assert "1.3.0" in said["in-force"]
    assert case in said["affected"]
    assert "the crew is away" in said["changed"]
    assert "the twin is copied" in said["suppressed"]
    assert "ada" in said["duties"]


def test_why_there_was_no_order_is_answered_with_the_least_change_that_would_have_made_one(told: FinishedStory) -> None:
    answer = told.millwright.json("audit", "ask", "not-done", told.harmless())
    assert answer["rows"], answer


@pytest.mark.parametrize("of", ["version", "case"])
def test_the_evidence_is_checked_by_the_file_that_stands_alone(told: FinishedStory, of: str, tmp_path: Path) -> None:
    name = "1.3.2" if of == "version" else told.case()
    told.millwright.says("audit", "evidence", name, "--out", str(tmp_path))
    packs = [*tmp_path.glob("*.json"), *tmp_path.glob("*.html")]
    assert len(packs) == 2
    for pack in packs:
        checked = alone(tmp_path / "offline_verify.py", pack)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    [document] = tmp_path.glob("*.json")
    document.write_text(document.read_text().replace("shifts wait for their codes again", "nobody said why"))
    assert alone(tmp_path / "offline_verify.py", document).returncode == 1


def test_a_version_that_is_altered_in_storage_is_refused_and_named(told: FinishedStory) -> None:
    digest = told.story.version("1.2.0")["digest"]
    alter = "UPDATE policy_versions SET document = replace(document, %s, %s) WHERE digest = %s"
    with psycopg.connect(told.database_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(alter, ("anomaly.score <= 4.0", "anomaly.score <= 9.0", digest))
        refused = told.millwright("doctor")
        connection.execute(alter, ("anomaly.score <= 9.0", "anomaly.score <= 4.0", digest))
    assert refused.exit_code == 1
    assert digest[:12] in refused.stdout
    assert told.millwright("audit", "verify").exit_code == 0


def alone(verifier: Path, what: Path) -> subprocess.CompletedProcess[str]:
    """Runs the stand-alone file with nothing but Python."""
    command = [sys.executable, "-I", str(verifier), str(what)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _silent(words: str) -> None:
    del words


def _unseen(tick: Tick) -> None:
    del tick
