"""One run of the plant: start, prepare, run to the end, count."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from domain.blame import Stage
from domain.cmms import OrderApproval
from millwright.alert_quality.blaming import read_blame
from millwright.alert_quality.report import read_quality
from millwright.audit.verifying import verify
from millwright.backtesting.failures import read_failures
from millwright.bootstrap import Storage, open_storage, open_systems
from millwright.demo.agreement import compare, read_twins
from millwright.demo.cast import kept_person
from millwright.demo.conductor import Conductor, Tick
from millwright.demo.installation import Installation, InstallationFailed
from millwright.demo.local_sign_in import LocalSignIn
from millwright.demo.preparation import ACTIVE, MAINTENANCE, PRICED, PRODUCTION, SHADOW, migrate, prepare
from millwright.demo.proving import prove_machines
from millwright.demo.summary import Played, QualityLine, Summary, count_plant, export_plant, score, summarise
from millwright.explaining.flooding import read_flood_figures
from millwright.runtime.embedded.occupancy import LOCAL_HEADER_FILE
from millwright.storage.ledger.personal_acts import (
    PersonalAct,
    is_case_decision,
    is_hold_answer,
    is_walk_down,
    last_row,
    personal_acts,
)
from millwright.storage.reporting.closed_cases import closed_cases
from millwright.storage.reporting.decided_times import decided_times
from millwright.storage.reporting.figures import read_figures, read_orderings
from millwright.storage.reporting.freshness_lists import blind_spells
from millwright.storage.reporting.history import Component, read_history
from millwright.storage.reporting.missed_failures import missed_failures
from millwright.workflow_engine.temporal import engine_client, register_search_attributes
from policies.engine.judging import compile_policy
from policies.evaluation.scoring import FailureRegister, Period
from policies.evaluation.timing_costs import repriced_costs

STEP = timedelta(hours=3)
"""The maximum step of the plant's clock, and the interval of the detector."""

_FAILURES_LISTED = 1000
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

Beat = Callable[[datetime], Awaitable[None]]


def call_locally(home: Path, api: str) -> str:
    """A command that calls the API in local mode. curl reads the token from the file."""
    return f"curl -H @{home / LOCAL_HEADER_FILE} {api}/cases"


async def perform(
    installation: Installation,
    say: Callable[[str], None],
    told: Callable[[Tick], None],
    torment: Callable[[str], Beat] | None = None,
) -> Summary:
    """Runs a cleared installation; it keeps running afterwards.

    Args:
        say: called with a sentence about each step.
        told: called with the state of the plant after each step.
        torment: gets the address of the sandbox's control API; returns a function that is awaited at each step of the
            clock.

    Raises:
        InstallationFailed: a part did not start, or ended by itself.
        Stuck: Millwright made no progress.
    """
    started = time.monotonic()
    endpoints = await installation.start_foundations()
    sandbox = str(endpoints["control_url"])
    settings = installation.settings()
    say(f"Making the tables, importing the register, putting policy {ACTIVE} in force, {SHADOW} in shadow.")
    await migrate(installation.database_url)
    async with open_storage(settings) as storage:
        async with open_systems(settings, storage.clock) as systems:
            await prepare(storage, systems, settings)
            ((cmms, connector),) = systems.cmms.items()
            reviewed_here = connector.capabilities.approval is OrderApproval.NONE
        prepared = await asyncio.to_thread(last_row, installation.database_url)
        installation.prepared(prepared)
        async with engine_client(settings, settings.temporal_address or "") as client:
            await register_search_attributes(client)
        api = await installation.start_services()
        (installation.home / "addresses.json").write_text(json.dumps({"api": api, **endpoints}, indent=2))
        say(f"Call the API: {call_locally(installation.home, api)}")

        def check() -> None:
            fallen = installation.fallen()
            if fallen:
                raise InstallationFailed(fallen)

        say("Two persons prove each machine of criticality A: they have it held, look, and let it run.")
        await prove_machines(api, installation.home / "people", check)
        proved = await asyncio.to_thread(_mark_own, installation, prepared, is_walk_down)
        beat = torment(sandbox) if torment else None
        people = installation.home / "people"
        production = kept_person(people, PRODUCTION).api_key
        planner = kept_person(people, MAINTENANCE).api_key
        local = LocalSignIn(installation.home)
        try:
            await Conductor(
                sandbox, api, local, cmms, STEP, check, told, production, beat, planner, accepts_orders=reviewed_here
            ).play()
        finally:
            # Also after Ctrl-C: a home in which nobody else acted is removed unasked.
            with suppress(psycopg.Error):
                _mark_own(installation, proved, lambda act: is_hold_answer(act) or is_case_decision(act))
        say("Counting what the plant holds, and judging every stored verdict again.")
        return await count(installation, storage, str(endpoints["data"]), sandbox, started)


def _mark_own(installation: Installation, after: int, played: Callable[[PersonalAct], bool]) -> int:
    """Marks what the demo's people did after a row of the ledger as the demo's own too, unless somebody else acted as
    well; returns the last row that is marked.

    Args:
        played: whether an act is of a kind that the demo's people do.
    """
    newest = last_row(installation.database_url)
    acts = personal_acts(installation.database_url, after)
    if not all(played(act) and act.actor in (PRODUCTION, MAINTENANCE) for act in acts):
        return after
    installation.prepared(newest)
    return newest


async def count(installation: Installation, storage: Storage, data: str, sandbox: str, started: float) -> Summary:
    """The summary of a finished run, with its record audited.

    Args:
        data: the name of the data.
        started: when, in the monotonic clock.
    """
    await export_plant(sandbox)
    async with read_history(storage.engine) as history:
        components = await history.components()
    period, policies, findings = await score(
        sandbox,
        installation.plant,
        await read_orderings(storage.engine),
        await storage.versions.versions(),
        components,
    )
    quality = await _quality(installation, storage, components, period)
    report = await verify(storage.engine)
    priced = compile_policy(PRICED.read_text(encoding="utf-8"), PRICED.name)
    return summarise(
        data=data,
        systems={"cmms": installation.cmms, "mes": installation.mes},
        started=started,
        figures=await read_figures(storage.engine),
        report=report,
        period=period,
        policies=policies,
        plant=count_plant(installation.plant),
        findings=findings,
        missed=await missed_failures(storage.engine, storage.clock.now(), _FAILURES_LISTED),
        learned=compare(await closed_cases(storage.engine), read_twins(installation.plant / "twins.jsonl")),
        timing=repriced_costs(priced, await decided_times(storage.engine)),
        blind=await blind_spells(storage.engine, period.first),
        quality=quality,
        flooding=await read_flood_figures(storage.engine, _BEFORE_ALL, storage.clock.now()),
    )


async def _quality(
    installation: Installation, storage: Storage, components: list[Component], period: Played
) -> QualityLine:
    known = read_failures(installation.plant / "failures.csv", components)
    failures = FailureRegister(known, Period(period.first, period.last))
    until = storage.clock.now() + timedelta(seconds=1)
    told = await read_quality(storage.engine, _BEFORE_ALL, until, failures)
    blamed = await read_blame(storage.engine, _BEFORE_ALL, until)
    return QualityLine(
        right=told.all.right,
        wrong=told.all.wrong,
        precision=told.all.precision,
        bounds=told.all.bounds,
        recall=told.recall,
        lead_hours=told.all.lead_hours,
        crew_hours=told.all.false_alarms.crew_hours,
        undetermined=sum(each.stage is Stage.UNDETERMINED for each in blamed.alerts),
        false_alerts=len(blamed.alerts),
    )
