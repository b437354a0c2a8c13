"""An evidence pack tells of the shelves that bore on a case or a version, and whatever is altered of them is named."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.audit.evidence import Packed, write_evidence
from millwright.audit.offline_pack import PACK_BEGINS, pack_findings
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.suppression.suppressions import PlannedWindow, SuppressionStore
from policies.engine.catalogue import Catalogue
from tests.audit.test_audit_suppression import LIMITS
from tests.audit.test_evidence import hashed_anew, offline
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, code, deviation

HOUR = timedelta(hours=1)
Pack = dict[str, Any]


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    """A fault under a shelf and a window, let in on the return; another fault under a shelf that was ended early."""
    made = Plant(storage_engine)
    await made.prepare()
    made.clock.time = START
    store = SuppressionStore(storage_engine, made.clock, LIMITS, timedelta(days=1))
    planned = PlannedWindow(
        asset="LINE-1", from_at=START, until_at=START + 4 * HOUR, reason="belt change", source="plan-7"
    )
    await store.keep_windows([planned], "mona")
    await store.shelve(PUMP, "PDE", 8 * HOUR, "ines", "the sensor is <moved>")
    await made.take(code(1), deviation(2, external_id="held"))
    await made.take(code(2, "error2", asset=MOTOR), code(2.5, "error3", asset=MOTOR), deviation(3, asset=MOTOR))
    made.clock.time = START + 9 * HOUR
    await SuppressionEnd(storage_engine, made.clock, StoredVersions(made.catalogue)).return_due()
    second = await store.shelve(PUMP, None, HOUR, "ines", "once more")
    await made.take(deviation(9.5, external_id="late"))
    await store.end(second.id, "olaf", "it is fixed")
    return made


async def packed(plant: Plant, ref: str, out: Path) -> Packed:
    return await write_evidence(plant.engine, Catalogue(), ref, out, plant.clock.now(), ZoneInfo("UTC"))


async def case_of(plant: Plant, asset: str) -> str:
    [[case]] = await plant.rows("SELECT id FROM cases WHERE asset = :asset", asset=asset)
    return str(case)


async def test_a_case_s_pack_tells_who_held_it_back_until_when_and_why(plant: Plant, tmp_path: Path) -> None:
    pack = await packed(plant, await case_of(plant, PUMP), tmp_path)
    shelves = json.loads(pack.json_file.read_text())["parts"]["suppressions"]
    assert {
        (suppression["kind"], suppression["made_by"], suppression["ended_by"], len(suppression["held"]))
        for suppression in shelves
    } == {
        ("window", "mona", None, 1),
        ("shelf", "ines", None, 2),
        ("shelf", "ines", "olaf", 1),
    }
    page = pack.page.read_text().partition(PACK_BEGINS)[0]
    for words in ("Suppressions", "the sensor is &lt;moved&gt;", "belt change", "it is fixed", "tests|held"):
        assert words in page


async def test_a_pack_with_shelves_verifies_offline(plant: Plant, tmp_path: Path) -> None:
    assert (await verify(plant.engine)).findings == ()
    for ref in (await case_of(plant, PUMP), await case_of(plant, MOTOR), "1.1.0", "1.0.0"):
        pack = await packed(plant, ref, tmp_path / ref)
        code, said = offline(pack, "--head", pack.head)
        assert (code, said[0].partition(";")[0]) == (0, "verified: everything agrees")


async def test_a_version_s_pack_has_what_held_back_its_own_verdicts_alone(plant: Plant, tmp_path: Path) -> None:
    active = json.loads((await packed(plant, "1.1.0", tmp_path / "a")).json_file.read_text())
    shadow = json.loads((await packed(plant, "1.0.0", tmp_path / "s")).json_file.read_text())
    held = {each["version"] for suppression in active["parts"]["suppressions"] for each in suppression["held"]}
    assert held == {plant.digests["1.1.0"]}
    assert {each["asset"] for suppression in active["parts"]["suppressions"] for each in suppression["held"]} == {
        PUMP,
        MOTOR,
    }
    assert shadow["parts"]["suppressions"] == []


def shelf(pack: Pack) -> Pack:
    found: Pack = next(
        suppression for suppression in pack["parts"]["suppressions"] if suppression["reason"] == "the sensor is <moved>"
    )
    return found


def altered(name: str, value: object) -> Callable[[Pack], None]:
    def alter(pack: Pack) -> None:
        shelf(pack)[name] = value

    return alter


def held(name: str, value: object) -> Callable[[Pack], None]:
    def alter(pack: Pack) -> None:
        shelf(pack)["held"][0][name] = value

    return alter


def removed(pack: Pack) -> None:
    pack["parts"]["suppressions"].remove(shelf(pack))


def removed_with_its_acts(pack: Pack) -> None:
    subject = f"suppression/{shelf(pack)['id']}"
    removed(pack)
    pack["parts"]["acts"] = [act for act in pack["parts"]["acts"] if act["subject"] != subject]


def emptied(pack: Pack) -> None:
    shelf(pack)["held"].clear()


def forged(pack: Pack) -> None:
    pack["parts"]["suppressions"].append({**shelf(pack), "id": "SHFORGED", "made_by": "olaf", "held": []})


def claimed(pack: Pack) -> None:
    """A shelf that is said to have held back what another did."""
    [other] = [suppression for suppression in pack["parts"]["suppressions"] if suppression["reason"] == "once more"]
    shelf(pack)["held"].extend(other["held"])


ALTERATIONS: dict[str, Callable[[Pack], None]] = {
    "another person": altered("made_by", "olaf"),
    "another reason": altered("reason", "it was agreed"),
    "a longer limit": altered("until_at", "2015-01-20T00:00:00.000000Z"),
    "another end": altered("end_at", "2015-01-10T07:00:00.000000Z"),
    "no return": altered("returned_at", None),
    "another reach": altered("asset", "machine-001"),
    "another rung of what it held back": held("rung", "inspect"),
    "another event that it held back": held("external_id", "other"),
    "another time of what it held back": held("at", "2015-01-10T06:30:00.000000Z"),
    "a removed shelf": removed,
    "a removed shelf with its acts": removed_with_its_acts,
    "nothing held back": emptied,
    "a forged shelf": forged,
    "what another held back": claimed,
}


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS.keys())
async def test_a_shelf_that_was_altered_removed_or_forged_is_found_and_named(
    plant: Plant, tmp_path: Path, alter: Callable[[Pack], None]
) -> None:
    written = await packed(plant, await case_of(plant, PUMP), tmp_path)
    pack: Pack = json.loads(written.json_file.read_text())
    names = {f"suppression {suppression['id']}" for suppression in pack["parts"]["suppressions"]} | {
        "suppression SHFORGED"
    }
    alter(pack)
    found = [finding for finding in pack_findings(hashed_anew(pack)) if finding.kind == "suppression"]
    assert found
    assert {finding.where for finding in found} <= names
