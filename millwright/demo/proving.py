"""The plant's own people prove its machines, through the API and the MES, before the plant is played."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from domain.assets import Criticality
from domain.canonical import timestamp
from domain.keys import BEGIN_WALK_DOWN, LOOK, release_statement, walk_down_statement
from domain.loops import wait_until
from domain.production import READY_TO_RUN
from domain.walk_downs import MAY_BE_STOPPED, STANDS_STILL
from millwright.demo.cast import kept_person
from millwright.demo.installation import InstallationFailed
from millwright.demo.preparation import MAINTENANCE, PRODUCTION
from millwright.demo.progress_watch import ProgressWatch
from millwright.people.persons import Person
from millwright.storage.reporting.walk_down_lists import SeenMachine, SeenWalkDown

_AT_ONCE: Final = 8
_EVERY: Final = 0.1
_TIMEOUT: Final = 30.0
_REASON: Final = "the walk-down is done"


async def prove_machines(
    api: str, people: Path, check: Callable[[], None], criticality: Criticality = Criticality.A
) -> int:
    """Proves every machine of a criticality: the shipped policy holds no other. Returns how many.

    Args:
        api: the address of the API.
        people: the folder with the keys of the demo's persons.
        check: raises if a process has ended.

    Raises:
        InstallationFailed: a machine could not be proved.
        Stuck: no walk-down made progress.
    """
    limits = httpx.Limits(max_connections=_AT_ONCE)
    async with httpx.AsyncClient(base_url=api, timeout=_TIMEOUT, limits=limits) as client:
        walking = _Walking(client, kept_person(people, PRODUCTION), kept_person(people, MAINTENANCE))
        wanted = [each for each in await walking.machines() if each.criticality is criticality]
        now = await walking.now()
        await asyncio.gather(*(walking.begin(each, now) for each in wanted))

        watch = ProgressWatch(check)

        async def over() -> bool:
            left = await walking.go_on()
            if left:
                watch.look(f"the walk-downs of {left} machines")
            return not left

        await wait_until(over, bool, every=_EVERY)
        named = {each.machine for each in wanted}
        open_ = [each for each in await walking.machines() if each.machine in named and each.proof is None]
        if open_:
            raise InstallationFailed(f"{open_[0].machine} was not proved; see `millwright hold proofs`")
        return len(wanted)


class _Walking:
    """Two persons at the machines.

    Args:
        client: a client of the API.
        production: who begins and releases.
        maintenance: who looks.
    """

    def __init__(self, client: httpx.AsyncClient, production: Person, maintenance: Person) -> None:
        self._client = client
        self._production = production
        self._maintenance = maintenance
        self._signed: set[str] = set()

    async def machines(self) -> list[SeenMachine]:
        found = await self._get("/walk-downs/machines")
        return [SeenMachine.model_validate(each) for each in found]

    async def now(self) -> datetime:
        """The plant's time, which signatures bear."""
        me = await self._get("/me")
        return datetime.fromisoformat(me["now"])

    async def begin(self, machine: SeenMachine, now: datetime) -> None:
        at, person = timestamp(now), self._production
        signed = walk_down_statement(
            BEGIN_WALK_DOWN, machine.machine, machine.system, machine.equipment, MAY_BE_STOPPED, at, person.name
        )
        body = {"machine": machine.machine, "equipment": machine.equipment, "meaning": MAY_BE_STOPPED, "at": at}
        await self._post("/walk-downs", person, {**body, "signature": person.signing_key.sign(signed).hex()})

    async def go_on(self) -> int:
        """Does what the walk-downs wait for; returns how many are under way."""
        found = await self._get("/walk-downs?state=live&limit=1000")
        live = [SeenWalkDown.model_validate(each) for each in found]
        await self._sign([each for each in live if each.state == "held" and each.key not in self._signed])
        return len(live)

    async def _sign(self, held: Sequence[SeenWalkDown]) -> None:
        if held:
            now = await self.now()
            self._signed.update(each.key for each in held)
            await asyncio.gather(*(self._finish(each, timestamp(now)) for each in held))

    async def _finish(self, seen: SeenWalkDown, at: str) -> None:
        looks = self._maintenance
        looked = walk_down_statement(
            LOOK,
            seen.machine,
            seen.system,
            seen.equipment,
            STANDS_STILL,
            at,
            looks.name,
            walk_down=seen.key,
            target=seen.target_digest,
        )
        body = {"meaning": STANDS_STILL, "at": at, "signature": looks.signing_key.sign(looked).hex()}
        await self._post(f"/walk-downs/{seen.key}/look", looks, body)
        person = self._production
        released = release_statement(seen.key, seen.equipment, READY_TO_RUN, _REASON, at, person.name)
        signature = person.signing_key.sign(released).hex()
        body = {"meaning": READY_TO_RUN, "reason": _REASON, "at": at, "signature": signature}
        await self._post(f"/walk-downs/{seen.key}/release", person, body)

    async def _get(self, path: str) -> Any:
        return (await self._client.get(path, headers=_as(self._production))).raise_for_status().json()

    async def _post(self, path: str, person: Person, body: dict[str, str]) -> None:
        reply = await self._client.post(path, headers=_as(person), json=body)
        if reply.is_error:
            raise InstallationFailed(f"{path} by {person.name}: {reply.text}")


def _as(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.api_key}"}
