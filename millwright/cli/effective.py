"""`policy show --asset`: a version for one asset."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import typer

from domain.assets import ObservableKind, retired_words
from domain.errors import Rejected
from domain.hold_proposals import HoldTerms, OnSilence
from domain.return_to_normal import NormalTerms
from domain.verdict import Context
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import say, write_json, write_table
from millwright.cli.versions import newest, version_named

if TYPE_CHECKING:
    from domain.assets import PlantRegister
    from millwright.settings import Settings
    from policies.engine.effective import EffectivePolicy


def show_effective(context: typer.Context, version: str | None, asset: str, at: str | None, *, json: bool) -> None:
    """Writes a version for an asset.

    Raises:
        Rejected: there is no such version or asset, or the instant cannot be read.
    """
    from policies.engine.effective import effective

    policy = newest() if version is None else version_named(context, version)
    register, now = finish(_register(settings_of(context)))
    told = effective(policy, _context(register, asset), now if at is None else _instant(at))
    if json:
        write_json(told)
    else:
        _tell(told)


async def _register(settings: "Settings") -> "tuple[PlantRegister, datetime]":
    async with opened(settings) as storage:
        return await storage.register.read(), storage.clock.now()


def _instant(at: str) -> datetime:
    try:
        found = datetime.fromisoformat(at)
    except ValueError as error:
        raise Rejected(f"{at!r} is no instant", field="at", fix="write it as 2026-01-31T12:00:00Z") from error
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _context(register: "PlantRegister", asset: str) -> Context:
    found = next((known for known in register.assets if known.id == asset), None)
    if found is None:
        left = next((known.at for known in register.retired if known.asset.id == asset), None)
        problem = f"no asset is called {asset}" if left is None else retired_words(asset, left)
        raise Rejected(problem, field="asset", fix="`millwright assets list` lists them")
    codes = sum(
        observable.asset == asset and observable.kind is ObservableKind.CODE for observable in register.observables
    )
    return Context(
        asset=asset,
        asset_class=found.asset_class or "",
        criticality=found.criticality,
        machine=found.machine or asset,
        line=found.line or "",
        codes=codes,
    )


def _tell(told: "EffectivePolicy") -> None:
    where = f", cohort {told.cohort}" if told.cohort else ""
    say(f"{told.policy} {told.version} for {told.asset}{where} at {told.at:%Y-%m-%d %H:%M} UTC")
    if not told.covered:
        say("The policy does not cover this asset: every anomaly of it is ignored.")
        return
    if told.parameters:
        rows = [
            (parameter.name, str(parameter.value), parameter.given_by, parameter.because or "-")
            for parameter in told.parameters
        ]
        write_table(("parameter", "value", "given by", "because"), rows, "")
    rules = [(rule.rule, rule.rung, rule.standing, rule.by or "-", rule.because or "-") for rule in told.rules]
    write_table(("rule", "rung", "stands", "by", "because"), rules, "")
    if told.waivers:
        waived = [
            (
                waiver.waiver,
                ", ".join(waiver.rules),
                f"{waiver.until:%Y-%m-%d %H:%M}" + ("" if waiver.holds else " (ended)"),
                waiver.owner,
                waiver.reason,
            )
            for waiver in told.waivers
        ]
        write_table(("waiver", "rules", "until (UTC)", "owner", "reason"), waived, "")
    if told.releases_unattended:
        say(f"A hold on {told.machine} is released once its work is completed, without a person saying so.")
    else:
        say(f"A hold on {told.machine} is released only when a person of production says so.")
    if (run := told.hold.test_run) is not None:
        within, steady = (f"{each / timedelta(minutes=1):g} min" for each in (run.within, run.steady))
        say(
            f"It is let run on test first, for {within} at most, and is released for good after {steady} at the "
            f"baseline (a score of at most {run.score:g}); else production decides."
        )
    say(_asking(told.hold))
    if told.normal is not None:
        say(_normal(told.normal))


def _normal(terms: NormalTerms) -> str:
    steady = terms.steady / timedelta(minutes=1)
    counts = "the machine runs" if terms.while_running else "the machine is not known to stand"
    within = terms.verify_within
    verified = "" if within is None else f" Completed work is verified within {within / timedelta(hours=1):g} h."
    score = f"a score of at most {terms.score:g}"
    return f"A fault has returned to normal after {steady:g} min at the baseline ({score}) while {counts}.{verified}"


def _asking(terms: HoldTerms) -> str:
    if terms.unasked:
        return "It is placed without asking production."
    silence = "it is placed when it is due" if terms.on_silence is OnSilence.PLACE else "nothing is placed"
    minutes = terms.answer_within / timedelta(minutes=1)
    return f"It is proposed to production first; without an answer within {minutes:g} min {silence}."
