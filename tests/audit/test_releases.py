"""Releases without a person, and machines that were held under another name, are named here and offline."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import timestamp
from domain.holds import Release
from domain.production import HoldMethod, HoldPlan, JobState
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.offline_equipment import Equipment
from millwright.audit.offline_releases import Unattended, release_findings
from millwright.audit.verifying import verify
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from tests.support.ingress import NOW


async def _case(engine: AsyncEngine) -> tuple[str, str]:
    """The case whose machine is held, and the version that decided it."""
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT id, version FROM cases WHERE closed_at IS NULL"))
        case, version = rows.one()
    return str(case), str(version)


async def _chain(engine: AsyncEngine, *acts: ledger.Act) -> None:
    """Adds acts as somebody does who writes to the database, with a row in the ledger."""
    entry = ledger.Entry(NOW)
    entry.add(*acts)
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)


async def _found(engine: AsyncEngine, directory: Path) -> tuple[list[str], list[str]]:
    """What is found of holds, here and offline."""
    here = [finding.what for finding in (await verify(engine)).findings if finding.kind == "hold"]
    await export(engine, directory)
    return here, [finding.what for finding in offline_verify.verify(directory) if finding.kind == "hold"]


async def _release(engine: AsyncEngine, case: str, release: Release) -> None:
    """Releases the hold of a case without a person, in the tables and in the ledger."""
    detail: dict[str, object] = {"hold": case, "equipment": "EQ-001", "release": release}
    await _chain(engine, ledger.act("hold-releasing", f"case/{case}", "millwright", NOW, detail))
    async with engine.begin() as connection:
        stated = {"release": release.model_dump_json(), "case": case}
        await connection.execute(
            text("UPDATE holds SET state = 'releasing', release = cast(:release AS jsonb) WHERE key = :case"), stated
        )


async def test_a_release_without_a_person_that_no_version_allows_is_named(
    recorded: AsyncEngine, export_directory: Path
) -> None:
    case, version = await _case(recorded)
    by = "policy rotating-equipment 1.1.0"
    await _release(recorded, case, Release(by=by, meaning=None, reason="allowed", at=NOW, version=version))
    here, offline = await _found(recorded, export_directory)
    assert here == [f"was released without a person, which no approved version allows: {by}"]
    assert offline == here


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        ("hold-release-called", {"placement": 1, "unanswered": True}, "the MES was told to let a job run, and no"),
        ("hold-release-lapsed", {}, "its release lapsed, and no release was approved"),
    ],
)
async def test_what_was_done_by_a_release_that_nobody_approved_is_named(
    recorded: AsyncEngine, export_directory: Path, kind: str, detail: dict[str, object], words: str
) -> None:
    case, _ = await _case(recorded)
    await _chain(recorded, ledger.act(kind, f"case/{case}", "millwright", NOW, {"hold": case, **detail}))
    here, offline = await _found(recorded, export_directory)
    assert any(each.startswith(words) for each in here)
    assert offline == here


async def test_a_placement_on_another_machine_than_the_hold_is_named(
    recorded: AsyncEngine, export_directory: Path
) -> None:
    case, _ = await _case(recorded)
    plan = HoldPlan(
        key=case, equipment="EQ-OTHER", receiver="Press1", job="J-8", prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
    )  # fmt: skip
    detail: dict[str, object] = {"hold": case, "placement": 2, "plan": plan, "by": case}
    await _chain(recorded, ledger.act("placement-intended", f"case/{case}", "millwright", NOW, detail))
    here, offline = await _found(recorded, export_directory)
    assert "placement 2 was placed on EQ-OTHER, and is on EQ-001" in here
    assert offline == here


async def test_a_hold_under_another_name_than_the_registers_is_named(
    recorded: AsyncEngine, export_directory: Path
) -> None:
    case, _ = await _case(recorded)
    detail: dict[str, object] = {"hold": case, "system": "opcua_job_control", "equipment": "EQ-OTHER"}
    await _chain(recorded, ledger.act("hold-shared", f"case/{case}", "millwright", NOW, detail))
    here, offline = await _found(recorded, export_directory)
    assert "EQ-OTHER is held for it, and its machine was called EQ-001 in the MES" in here
    assert offline == here


# A version that allows it.
_RELEASE = {"by": "policy pumps 1.0.0", "meaning": None, "reason": "allowed", "at": timestamp(NOW), "version": "d1"}
_CASE = "case/MW1"


def _told(number: int, kind: str, **detail: object) -> dict[str, object]:
    return {
        "number": number, "kind": kind, "subject": _CASE, "actor": "millwright", "at": timestamp(NOW), "detail": detail,
    }  # fmt: skip


def _released(how: str | None = "done") -> list[dict[str, object]]:
    acts = [
        _told(1, "case-opened", asset="pump", failure_mode="PDE"),
        _told(2, "hold-intended", hold="MW1", system="mes", equipment="EQ-001"),
        _told(4, "hold-releasing", hold="MW1", equipment="EQ-001", release=_RELEASE),
    ]
    return [*acts, *([_told(3, "case-awaits-release", how=how)] if how is not None else [])]


_VERSION = Unattended("policy pumps 1.0.0", frozenset({"machine-001"}), "2000-01-01T00:00:00.000000Z")
_JUDGED = {("d1", "pump", "PDE", "machine-001", "pump"): "2000-01-01T00:00:00.000000Z"}


def test_a_release_that_an_approved_version_allows_after_the_work_is_no_finding() -> None:
    assert list(release_findings([_released()], {"d1": _VERSION}, _JUDGED)) == []


@pytest.mark.parametrize(
    ("acts", "version", "judged", "words"),
    [
        (_released("cancelled"), _VERSION, _JUDGED, "before the work of MW1 was done"),
        (_released(None), _VERSION, _JUDGED, "before the work of MW1 was done"),
        (_released(), _VERSION._replace(machines=frozenset({"machine-002"})), _JUDGED, "allows this for no machine"),
        (_released(), _VERSION, {}, "allows this for no machine that it judged here"),
        (_released(), _VERSION._replace(approved_at="2999-01-01T00:00:00.000000Z"), _JUDGED, "no approved version"),
        (_released(), _VERSION._replace(by="policy pumps 2.0.0"), _JUDGED, "no approved version allows"),
    ],
)
def test_each_condition_of_a_release_without_a_person_is_held(
    acts: list[dict[str, object]], version: Unattended, judged: dict[tuple[str, str, str, str, str], str], words: str
) -> None:
    [finding] = release_findings([acts], {"d1": version}, judged)
    assert words in finding.what


# The names of machines.
def _alias(name: str, ended: str | None = None) -> dict[str, object]:
    return _told(0, "alias-recorded", system="mes", external_id=name, asset="m1", valid_to=ended)


def _followed(*acts: dict[str, object]) -> list[str]:
    equipment = Equipment()
    return [finding.what for act in acts for finding in equipment.follow(act)]


_OPENED = _told(0, "case-opened", asset="pump", failure_mode="PDE")
_HELD = _told(0, "hold-intended", hold="MW1", system="mes", equipment="EQ-001")
_ASSETS = (_told(0, "asset-recorded", id="pump", machine="m1"), _told(0, "asset-recorded", id="m1", machine=None))


@pytest.mark.parametrize(
    ("acts", "named"),
    [
        ((*_ASSETS, _alias("EQ-001"), _told(0, "register-held"), _OPENED, _HELD), False),
        ((*_ASSETS, _alias("EQ-002"), _told(0, "register-held"), _OPENED, _HELD), True),
        # A name that ended long before, and one that ended just now.
        ((*_ASSETS, _alias("EQ-001", "2000-01-01T00:00:00Z"), _told(0, "register-held"), _OPENED, _HELD), True),
        ((*_ASSETS, _alias("EQ-001", timestamp(NOW)), _told(0, "register-held"), _OPENED, _HELD), False),
        # A case from before the register was recorded, and a hold from before.
        ((_OPENED, *_ASSETS, _alias("EQ-001"), _told(0, "register-held"), _HELD), False),
        ((_OPENED, _HELD, *_ASSETS, _alias("EQ-002"), _told(0, "register-held")), False),
        # What was read of production.
        ((*_ASSETS, _alias("EQ-002"), _told(0, "register-held"), _OPENED,
          _told(0, "work-proposed", production={"equipment": "EQ-001"})), True),
        ((*_ASSETS, _alias("EQ-002"), _told(0, "register-held"), _OPENED,
          _told(0, "work-proposed", production=None)), False),
    ],
)  # fmt: skip
def test_what_is_held_has_the_name_that_the_register_gave_it(acts: tuple[dict[str, object], ...], named: bool) -> None:
    assert bool(_followed(*acts)) is named
