"""Reads what machines do from an MES, and keeps it for the judging of their anomalies."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from temporalio import activity

from activities.instances import instance
from domain.clock import Clock
from domain.errors import ConnectorError
from domain.freshness import INTERVALS, BlindWatch
from domain.model import Model
from domain.operating import OperatingStates
from domain.ports import Mes

_AFTER_A_FAILURE = timedelta(minutes=5)


class ReadStates(Model):
    """Asks for the states of all machines of an MES; `interval` is how long until the next time."""

    system: str
    interval: timedelta


class StatesRead(Model):
    """How many machines were read and how many have changed, and why none were read if the MES did not answer."""

    machines: int
    changed: int
    problem: str | None = None


class MachineStates:
    """Reads and keeps what machines do.

    Args:
        states: what is known of them.
        mes: the MES, by the id of each instance.
        clock: the plant's time.
        interval: how often an MES is asked.
        blind: finds what nobody has looked at for too long, by what the machines did.
    """

    def __init__(
        self,
        states: OperatingStates,
        mes: Mapping[str, Mes],
        clock: Clock,
        interval: timedelta,
        blind: BlindWatch,
    ) -> None:
        self._states = states
        self._mes = mes
        self._clock = clock
        self._interval = interval
        self._blind = blind

    @activity.defn(name="read-machine-states")
    async def read_machine_states(self, request: ReadStates) -> StatesRead:
        """Reads the state of every machine that the register knows in an MES, and stores the reading.

        If the MES does not answer, no reading is stored: what is known of its machines becomes too old by itself, and
        so do the suppressions that follow from it. In any case it looks what is blind by now.
        """
        seen = await self._states.generation(request.system)
        # The interval came through the engine, so it can only shorten that of the settings.
        wait = min(request.interval, self._interval)
        longest_gap = INTERVALS * self._interval
        try:
            read = await self._read(request.system, longest_gap)
        except ConnectorError as error:
            await self._states.record_silence(request.system, longest_gap)
            activity.logger.warning("the states of machines are read later: %s", error)
            read, wait = StatesRead(machines=0, changed=0, problem=str(error)), min(wait, _AFTER_A_FAILURE)
        for spell in await self._blind.look():
            activity.logger.log(logging.INFO if spell.ended_at else logging.ERROR, spell.words)
        await self._states.finish(request.system, seen, self._clock.now() + wait)
        return read

    async def _read(self, system: str, longest_gap: timedelta) -> StatesRead:
        machines = await self._states.machines(system)
        if not machines:
            await self._states.record_silence(system, longest_gap)
            return StatesRead(machines=0, changed=0)
        read_at = self._clock.now()
        said = await instance(self._mes, system, "mes", "read-states").read_states(list(machines))
        states = {machines[name]: state for name, state in said.items()}
        changed = await self._states.record_reading(system, read_at, states, longest_gap)
        return StatesRead(machines=len(states), changed=changed)
