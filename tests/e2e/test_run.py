"""`millwright run` on a plant nobody has looked at: what a newcomer sees, counted a second time by hand."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from millwright.demo.preparation import PRICED
from millwright.runtime.embedded import postgres
from tests.support.independent_quality import figures

KEYS = {"data", "seconds", "events", "cases", "work_orders", "holds", "outcomes", "labels", "policies", "ledger"}
SAME_IN_EVERY_RUN = ("data", "events", "cases", "work_orders", "reviewed", "holds", "outcomes", "labels", "policies")
FATES = ("decided", "duplicate", "not_an_anomaly", "unmapped", "quarantined")
_PATIENCE = 250


@dataclass(frozen=True)
class Played:
    """A run that has ended, under its home."""

    home: Path
    code: int
    said: str

    @property
    def summary(self) -> dict[str, Any]:
        figures: dict[str, Any] = json.loads((self.home / "summary.json").read_text())
        return figures

    def plant(self, name: str) -> list[dict[str, Any]]:
        """What the sandbox's own system holds."""
        return [json.loads(line) for line in (self.home / "plant" / name).read_text().splitlines()]

    def orders(self) -> list[dict[str, Any]]:
        """The orders of cases that the CMMS holds."""
        return [order for order in self.plant("work_orders.jsonl") if order["key"]]

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command over this home."""
        return _millwright(self.home, arguments)


def _millwright(home: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_")}
    command = [sys.executable, "-m", "millwright", "--home", str(home), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False)


def _play(home: Path, data: Path, *more: str) -> Played:
    ended = _millwright(home, ["run", "--data", str(data), *more])
    return Played(home, ended.returncode, ended.stdout + ended.stderr)


@pytest.fixture(scope="module")
def played(plant_data: Path, new_home: Callable[[], Path]) -> Played:
    return _play(new_home(), plant_data)


@pytest.fixture(scope="module")
def counted_again(played: Played) -> dict[str, Any]:
    """The figures on alert quality, by a script that shares no code with the product."""
    url = postgres.start(played.home / "postgres")
    period = {name: datetime.fromisoformat(at) for name, at in played.summary["period"].items()}
    try:
        found: dict[str, Any] = figures(url, played.home / "plant" / "failures.csv", period["first"], period["last"])
    finally:
        postgres.stop(played.home / "postgres")
    return found


def test_the_figures_on_alert_quality_are_those_of_an_independent_script(
    played: Played, counted_again: dict[str, Any]
) -> None:
    told = played.summary["quality"]
    assert (told["right"], told["wrong"], told["crew_hours"]) == (
        counted_again["right"],
        counted_again["wrong"],
        counted_again["wrong_hours"],
    )
    assert (told["bounds"]["least"], told["bounds"]["most"]) == counted_again["bounds"]
    assert told["lead_hours"]["median"] == counted_again["lead_hours"]
    assert (told["recall"]["part"], told["recall"]["whole"]) == counted_again["recall"]
    assert told["recall"]["whole"] > 0


def test_the_plant_is_played_to_its_end(played: Played) -> None:
    assert played.code == 0, played.said
    assert "no order is doubled" in played.said


def test_a_run_says_how_to_call_its_api_and_leaves_no_token_and_no_local_mode(played: Played) -> None:
    assert f"curl -H @{played.home / 'api.header'} http://127.0.0.1:" in played.said
    assert not (played.home / "api.header").exists()
    assert "MILLWRIGHT_LOCAL_MODE" not in json.loads((played.home / "environment.json").read_text())
    assert [log.name for log in (played.home / "logs").iterdir() if "Bearer" in log.read_text(errors="replace")] == []


def test_the_summary_has_every_figure_that_was_promised(played: Played) -> None:
    summary = played.summary
    assert set(summary) >= KEYS
    assert summary["events"]["received"] == sum(summary["events"][fate] for fate in FATES)
    assert min(summary["events"][fate] for fate in FATES) > 0
    assert summary["ledger"]["verified"] is True
    assert summary["verdicts"]["stored"] == summary["verdicts"]["reproduced"] > 0
    assert {"precision", "recall", "median_lead_hours", "orders"} <= set(summary["policies"]["1.2.0"])


def test_the_summary_says_what_the_plants_own_systems_hold(played: Played) -> None:
    summary, orders, holds = played.summary, played.orders(), played.plant("holds.jsonl")
    assert len(played.plant("work_orders.jsonl")) == len(orders) + 2, "people report two breakdowns by themselves"
    assert summary["work_orders"]["created"] == len(orders) > 0
    assert summary["work_orders"]["doubled"] == sum(count - 1 for count in Counter(o["key"] for o in orders).values())
    assert summary["holds"]["placed"] + summary["holds"]["walk_downs"] == len(holds)
    assert summary["holds"]["walk_downs"] == sum(1 for hold in holds if hold["key"].startswith("WD")) > 0
    assert summary["holds"]["left_open"] == sum(1 for hold in holds if hold["released"] is None) == 0
    assert summary["outcomes"] == dict(Counter(order["closed_as"] for order in orders))
    told = [twin for twin in played.plant("twins.jsonl") if "lastCaseId" in twin]
    assert {twin["lastCaseId"] for twin in told} <= {order["key"] for order in orders}
    assert len({(order["machine"], order["component"]) for order in orders}) == len(told)


def test_every_order_waited_for_the_planner_and_the_machines_were_held_meanwhile(played: Played) -> None:
    summary, orders = played.summary, played.orders()
    cancelled = sum(1 for order in orders if order["closed_as"] == "cancelled")
    reviewed = {"waited": len(orders), "waiting": 0, "approved": len(orders) - cancelled, "not_done": cancelled}
    assert summary["reviewed"] == reviewed
    assert f"{len(orders)} orders waited in the CMMS for the planner: {len(orders) - cancelled} approved" in played.said
    assert summary["holds"]["placed"] > 0
    acts = played.ask("policy", "autonomy")
    assert (acts.returncode, "automatic" in acts.stdout) == (0, False), acts.stdout + acts.stderr


def test_two_runs_say_the_same_and_what_only_the_demo_did_is_removed_unasked(
    played: Played, plant_data: Path, new_home: Callable[[], Path]
) -> None:
    again = _play(new_home(), plant_data)
    assert again.code == 0, again.said
    first, second = ({name: each.summary[name] for name in SAME_IN_EVERY_RUN} for each in (played, again))
    assert first == second
    removed = again.ask("home", "remove")
    assert (removed.returncode, again.home.exists()) == (0, False), removed.stderr


@pytest.mark.parametrize(
    ("cmms", "mes", "waiting"),
    [
        ("sap_pm", "sap_dm", 1),
        ("atlas", "factorysemantics", 1),
        ("odoo", "odoo_mrp", 1),
        # No order can wait there: the planner accepts the cases in Millwright.
        ("maintainx", "sap_dm", 0),
    ],
)
def test_another_cmms_and_mes_end_with_the_same_orders_and_holds(
    played: Played, plant_data: Path, new_home: Callable[[], Path], cmms: str, mes: str, waiting: int
) -> None:
    other = _play(new_home(), plant_data, "--cmms", cmms, "--mes", mes)
    assert other.code == 0, other.said
    same = [name for name in SAME_IN_EVERY_RUN if name not in ("holds", "reviewed")]
    assert {name: other.summary[name] for name in same} == {name: played.summary[name] for name in same}
    assert other.summary["reviewed"] == {name: count * waiting for name, count in played.summary["reviewed"].items()}
    # In SAP Digital Manufacturing a machine is held by its SFC and by its resource, which are two placements.
    ended = ("placed", "released", "overruled", "left_open", "unproven")
    assert {name: other.summary["holds"][name] for name in ended} == {
        name: played.summary["holds"][name] for name in ended
    }
    held = [
        {hold["key"] for hold in run.plant("holds.jsonl") if hold["key"].startswith("MW")} for run in (other, played)
    ]
    assert len(held[0]) == len(held[1])
    assert [hold for hold in other.plant("holds.jsonl") if hold["released"] is None] == []
    orders = [
        Counter((order["machine"], order["component"], order["closed_as"]) for order in run.orders())
        for run in (other, played)
    ]
    assert orders[0] == orders[1]


@pytest.mark.parametrize(
    ("port", "known"),
    [
        ("cmms", "maximo, sap_pm, atlas, odoo, maintainx"),
        ("mes", "opcua_job_control, sap_dm, odoo_mrp, factorysemantics"),
    ],
)
def test_a_system_that_the_sandbox_does_not_have_is_refused_with_those_that_it_has(
    new_home: Callable[[], Path], port: str, known: str
) -> None:
    home = new_home()
    refused = _millwright(home, ["run", f"--{port}", "plex"])
    assert refused.returncode == 1
    assert f"the sandbox has no {port.upper()} 'plex' (take one of {known})" in refused.stderr
    assert not home.exists()


def test_a_backtest_of_both_versions_says_what_the_summary_says(played: Played) -> None:
    summary = played.summary
    period, register = summary["period"], played.home / "plant" / "failures.csv"
    asked = ["--against", "1.0.0", "--since", period["first"], "--until", period["last"], "--failures", str(register)]
    found = played.ask("policy", "backtest", "1.2.0", *asked, "--json")
    assert found.returncode in (0, 1, 2), found.stderr
    backtest = json.loads(found.stdout)
    assert backtest["scores"] == summary["policies"]
    versions = {figures["version"]: figures for figures in (backtest["candidate"], backtest["against"])}
    assert {version: figures["rungs"] for version, figures in versions.items()} == summary["rungs"]
    assert {version: figures["cases"] for version, figures in versions.items()} == {
        version: scored["orders"] for version, scored in summary["policies"].items()
    }
    assert backtest["events"] == summary["events"]["decided"]


def test_the_summary_says_what_the_times_for_the_work_cost_by_the_prices_of_the_draft(played: Played) -> None:
    timing = played.summary["timing"]
    found = played.ask("policy", "price", str(PRICED), "--json")
    assert json.loads(found.stdout) == timing, found.stderr
    sums = {name: Decimal(amount) for name, amount in timing["costs"]["EUR"].items()}
    assert timing["decided"] == played.summary["cases"]["opened"]
    assert timing["compared"] + sum(timing["left_out"].values()) == timing["decided"]
    assert sums["least_cost"] == min(sums.values()) > 0
    assert "Expected cost of the times for the work" in played.said


def test_what_was_played_can_be_asked_about_afterwards(played: Played) -> None:
    order = played.orders()[0]
    verified = played.ask("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    listed = played.ask("case", "list", "--state", "all", "--json")
    assert order["key"] in listed.stdout, listed.stdout + listed.stderr
    why = played.ask("why", str(order["id"]))
    assert (why.returncode, "1.2.0" in why.stdout) == (0, True), why.stdout + why.stderr
