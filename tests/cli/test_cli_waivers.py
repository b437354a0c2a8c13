"""Waivers that end: `policy check` and `doctor` tell of them by the plant's time."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from domain.assigning import EVERYWHERE
from policies.engine.judging import CompiledPolicy, compile_policy
from tests.cli.conftest import Millwright, on_plant
from tests.support.judged_plant import Plant
from tests.support.policy_people import PolicyPeople, candidate

WAIVER = """
waivers:
  - id: trial
    for: { class: pump }
    rules: [single-shift]
    owner: Ada Lovelace
    reason: A new bearing is on trial.
    until: 2015-01-20T00:00:00Z
"""


def waiving() -> CompiledPolicy:
    return compile_policy(candidate().text + WAIVER, "1.2.0.yaml")


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2014-12-01T00:00:00Z", None),
        ("2015-01-10T00:00:00Z", "waiver trial of rotating-equipment 1.2.0 for class pump ends on 2015-01-20"),
        ("2015-02-01T00:00:00Z", "waiver trial of rotating-equipment 1.2.0 for class pump ended on 2015-01-20"),
    ],
)
def test_check_tells_of_a_waiver_that_ends_soon_or_has_ended(
    nowhere: Millwright, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: str, said: str | None
) -> None:
    clock, file = tmp_path / "clock", tmp_path / "1.2.0.yaml"
    clock.write_text(now)
    file.write_text(waiving().text)
    monkeypatch.setenv("MILLWRIGHT_CLOCK", f"file:{clock}")
    found = nowhere("policy", "check", str(file)).stdout
    assert ("(owner Ada Lovelace): A new bearing is on trial." in found) == (said is not None)
    assert (said or "") in found


def test_the_doctor_tells_whose_waiver_ends_of_what_is_in_force_alone(
    played: Millwright, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = tmp_path / "clock"
    clock.write_text(datetime(2015, 1, 10, tzinfo=UTC).isoformat())
    monkeypatch.setenv("MILLWRIGHT_CLOCK", f"file:{clock}")

    def of_waivers() -> dict[str, object]:
        parts: list[dict[str, object]] = orjson.loads(played("doctor", "--json").stdout)
        (waivers,) = (part for part in parts if part["part"] == "waivers")
        return waivers

    assert of_waivers()["sentence"] == "none in force has ended or ends within 14 days"

    async def activate(plant: Plant) -> None:
        people = PolicyPeople(plant.engine, plant.clock)
        await people.arrive()
        await people.submit(waiving())
        await people.approve(waiving().digest)
        await people.place(waiving().digest, scope=EVERYWHERE)

    on_plant(database_url, activate)
    clock.write_text(datetime(2015, 1, 16, tzinfo=UTC).isoformat())
    told = of_waivers()
    assert told["ok"] is True
    assert "1.2.0 for class pump ends on 2015-01-20 00:00 UTC (owner Ada Lovelace)" in str(told["sentence"])
