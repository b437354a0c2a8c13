"""Every verdict's version was in force where and when it was given; one that was not is found, here and offline."""

import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assigning import EVERYWHERE, Scope
from domain.errors import Rejected
from millwright.audit.evidence import write_evidence
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.events.register import RegisterStore
from policies.engine.catalogue import Catalogue
from tests.audit.conftest import Hostile
from tests.audit.tamperings import REHASHED, verdict_of
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, MOTOR, PUMP, code, deviation, register_elsewhere
from tests.support.policy_people import PolicyPeople, candidate

HOUR = timedelta(hours=1)
SCOPES = (
    EVERYWHERE,
    Scope(line=LINE),
    Scope(site="BEDFORD"),
    Scope(site="LUTON"),
    Scope(asset_class="pump"),
    Scope(percent=12.5),
    Scope(percent=99.5),
)
BAND = '{"flood_rate":null,"order_rate":null,"precision":null}'


class Story:
    """People and events in a drawn order; what is refused did not happen."""

    def __init__(self, plant: Plant, people: PolicyPeople, seed: int) -> None:
        self.plant = plant
        self.people = people
        self.chance = random.Random(seed)
        self.digests = list(plant.digests.values())
        self.numbers: list[int] = []

    async def step(self) -> None:
        chance, people = self.chance, self.people
        digest, scope = chance.choice(self.digests), chance.choice(SCOPES)
        after = HOUR * chance.choice((0, 0, 0, 1, 9))
        to = chance.choice((None, None, self.plant.clock.now() + 12 * HOUR))
        match chance.choice(("activate", "canary", "shadow", "emergency", "approve", "back", "end", "halt", "wait")):
            case "canary":
                self.numbers.append(await people.place(digest, "canary", scope, after=after, to=to, band=BAND))
            case "approve":
                await people.approve(digest, chance.choice(("bert", "carla")))
            case "back":
                await people.rollback(digest, chance.choice(self.digests))
            case "end":
                await people.withdraw(digest, chance.choice(("canary", "canary", "shadow", "shadow", None)))
            case "halt" if self.numbers:
                await people.lifecycle.halt(chance.choice(self.numbers), "out of its band")
            case "activate" | "shadow" | "emergency" as act:
                self.numbers.append(await people.place(digest, act, scope, after=after, to=to))
            case _:
                self.plant.clock.time += HOUR * chance.choice((1, 4, 8))

    async def events(self, day: int) -> None:
        """Some that are on time, one that is late, one that is too late."""
        asset, hours = self.chance.choice((PUMP, MOTOR)), 24.0 * day
        name = "error1" if asset == PUMP else "error2"
        await self.plant.take(
            deviation(hours + 1, asset=asset), code(hours + 2, name, asset=asset), deviation(hours + 9, asset=asset)
        )
        await self.plant.take(deviation(hours + 3, asset=asset), deviation(hours - 60, asset=asset))


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_people_do_no_verdict_is_named(storage_engine: AsyncEngine, tmp_path: Path, seed: int) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    await RegisterStore(storage_engine, plant.clock).keep(register_elsewhere(), "tests")
    people = PolicyPeople(storage_engine, plant.clock)
    await people.arrive()
    story = Story(plant, people, seed)
    for number in range(2, 5):
        story.digests.append(await people.submit(candidate(f"1.{number}.0"), assets=100))
    for digest in story.digests[2:4]:
        await people.approve(digest, "bert", "carla")
    for day in range(30):
        for act in (story.step, story.step, story.step, lambda: story.events(day)):  # noqa: B023 - it is called in its own round
            try:
                await act()
            except Rejected:
                plant.clock.time += HOUR
    report = await verify(storage_engine)
    assert report.findings == ()
    assert len(await plant.rows("SELECT DISTINCT version, role FROM verdicts")) > 4
    await export(storage_engine, tmp_path)
    assert offline(tmp_path, tmp_path)[0].startswith("verified: everything agrees")


def offline(directory: Path, written: Path) -> list[str]:
    """What the verifier that came with it says."""
    command = [sys.executable, "-I", "-S", str(directory / "offline_verify.py"), str(written)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")
    assert done.stderr == ""
    return done.stdout.splitlines()


_SHADOWS = "(SELECT id FROM verdicts WHERE role = 'shadow' ORDER BY id LIMIT 1)"
_LONG_AGO = "2013-05-01T00:00:00.000000Z"
FORGERIES = {
    "a role that its version had not": (
        (
            'UPDATE verdicts SET role = \'active\', body = replace(body, \'"role":"shadow"\', \'"role":"active"\') '
            f"WHERE id = {_SHADOWS}"
        ),
    ),
    "a role that only another version had": (
        (
            'UPDATE verdicts SET role = \'active\', body = replace(body, \'"role":"shadow"\', \'"role":"active"\') '
            "WHERE role = 'shadow'"
        ),
    ),
    "an instant that the ledger does not have": (
        (
            'UPDATE verdicts SET body = regexp_replace(body, \'"judged_at":"[^"]*"\', '
            f'\'"judged_at":"{_LONG_AGO}"\') WHERE id = {verdict_of("weak")}'
        ),
    ),
    "an instant before anything was in force": (
        (
            'UPDATE verdicts SET body = regexp_replace(body, \'"judged_at":"[^"]*"\', '
            f'\'"judged_at":"{_LONG_AGO}"\') WHERE ledger_seq = '
            f"(SELECT ledger_seq FROM verdicts WHERE id = {verdict_of('weak')})"
        ),
        (
            f"UPDATE ledger SET at = '{_LONG_AGO}' WHERE seq = "
            f"(SELECT ledger_seq FROM verdicts WHERE id = {verdict_of('weak')})"
        ),
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_verdict_by_what_was_not_in_force_is_named_however_well_it_was_forged(
    recorded: AsyncEngine, hostile: Hostile, tmp_path: Path, forgery: tuple[str, ...]
) -> None:
    # Every digest and the whole chain are made anew: nothing but what was in force speaks against it.
    await hostile.run(*forgery, f"UPDATE verdicts SET {REHASHED}")
    await hostile.chain_anew()
    report = await verify(recorded)
    assert {finding.kind for finding in report.findings} == {"verdict-assignment"}
    assert all(finding.where.startswith("verdict ") for finding in report.findings)
    await export(recorded, tmp_path)
    lines = offline(tmp_path, tmp_path)
    assert len(lines) == report.found + 1
    assert all(line.startswith("verdict-assignment: verdict ") for line in lines[:-1])


async def test_a_pack_names_a_verdict_by_what_was_not_in_force(
    recorded: AsyncEngine, hostile: Hostile, tmp_path: Path
) -> None:
    await hostile.run(*FORGERIES["a role that only another version had"], f"UPDATE verdicts SET {REHASHED}")
    await hostile.chain_anew()
    pack = await write_evidence(recorded, Catalogue(), "1001", tmp_path, Plant(recorded).clock.now(), ZoneInfo("UTC"))
    lines = offline(tmp_path, pack.json_file)
    assert any(line.startswith("verdict-assignment: verdict ") for line in lines[:-1])


_ANOTHER_FORM = (
    "UPDATE verdicts SET body = regexp_replace(body, '(\"judged_at\":\"[^\"]*)Z', '\\1+00:00') "
    f"WHERE id = {verdict_of('weak')}"
)
_FROM_NO_INSTANT = (
    'UPDATE acts SET body = regexp_replace(body, \'"from":"[^"]*"\', \'"from":5\') WHERE kind = \'policy-assigned\''
)


@pytest.mark.parametrize("tampering", [_ANOTHER_FORM, _FROM_NO_INSTANT], ids=("a verdict", "an assignment"))
async def test_what_cannot_be_compared_is_named_and_ends_no_audit(
    recorded: AsyncEngine, hostile: Hostile, tmp_path: Path, tampering: str
) -> None:
    await hostile.run(tampering)
    report = await verify(recorded)
    assert "verdict-assignment" in {finding.kind for finding in report.findings}
    await export(recorded, tmp_path)
    assert not offline(tmp_path, tmp_path)[-1].startswith("verified")
