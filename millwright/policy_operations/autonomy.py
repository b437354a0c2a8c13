"""Lists autonomy, and records people's decisions on it, by the settings of the version in force."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.autonomy import AutonomyKey, AutonomyMove, AutonomyTerms
from domain.errors import ActRejected
from domain.model import Model
from domain.shown_signatures import ShownSignature, SignatureDisplay
from millwright.backtesting.versions import active_version
from millwright.storage.policies.autonomy import AutonomyStore, DecidedMove
from millwright.storage.policies.signatures import Signature
from millwright.storage.policies.versions import VersionStore
from millwright.storage.reporting.history import read_history
from policies.engine.judging import CompiledPolicy
from policies.statistics.intervals import share


class AutonomyProgress(Model):
    """The state of a class and failure mode, and what is missing for promotion."""

    policy: str
    asset_class: str
    failure_mode: str
    state: str
    confirmed: int
    wrong: int
    other_defects: int
    """Work that found another defect than the suspected one: it counts neither as confirmed nor as wrong."""
    precision: float | None
    lower_bound: float | None
    upper_bound: float | None
    target: float
    needed: int
    enforced: bool
    digest: str
    """The digest that a person signs to decide on the present state."""
    approval: ShownSignature | None
    """The signature of the first approver of the promotion, which a second one must sign too."""


async def autonomy_progress(
    engine: AsyncEngine, versions: VersionStore, store: AutonomyStore, now: datetime, display: SignatureDisplay
) -> list[AutonomyProgress]:
    """Every class and failure mode with a case of the policy in force, or with a decision.

    Raises:
        Rejected: no version is active.
    """
    policy = await _in_force(engine, versions, now)
    terms = policy.document.autonomy
    found = []
    for key in await store.keys():
        if key.policy != policy.document.policy:
            continue
        record = await store.record(key, _terms(policy))
        first = record.approval
        precision = share(record.confirmed, record.confirmed + record.wrong)
        found.append(
            AutonomyProgress(
                policy=key.policy,
                asset_class=key.asset_class,
                failure_mode=key.failure_mode,
                state=record.state.value,
                confirmed=record.confirmed,
                wrong=record.wrong,
                other_defects=record.other_defects,
                precision=precision.share,
                lower_bound=precision.low,
                upper_bound=precision.high,
                target=terms.promote_at.precision_lower_bound,
                needed=terms.promote_at.confirmed,
                enforced=terms.enforce,
                digest=record.digest(key),
                approval=None if first is None else display.of(first.by, first.at, first.meaning),
            )
        )
    return found


async def decide_signed(
    engine: AsyncEngine,
    versions: VersionStore,
    store: AutonomyStore,
    *,
    now: datetime,
    asset_class: str,
    failure_mode: str,
    move: AutonomyMove,
    signature: Signature,
) -> DecidedMove:
    """A person's decision on a proposal or on an automatic class and mode, signed on the person's own machine. Its
    meaning is the reason.

    Raises:
        ActRejected: nothing is proposed, autonomy is not enforced, the person may not, or the signature is not theirs.
    """
    whose, terms = await _enforced(engine, versions, now, asset_class, failure_mode)
    return await store.decided(whose, terms, move, signature)


async def _enforced(
    engine: AsyncEngine, versions: VersionStore, now: datetime, asset_class: str, failure_mode: str
) -> tuple[AutonomyKey, AutonomyTerms]:
    policy = await _in_force(engine, versions, now)
    terms = _terms(policy)
    if not terms.enforce:
        raise ActRejected(
            f"{policy.document.policy} {policy.document.version} does not enforce autonomy",
            field="policy",
            fix="only a version with autonomy.enforce holds orders back for review",
        )
    return AutonomyKey(policy.document.policy, asset_class, failure_mode), terms


async def _in_force(engine: AsyncEngine, versions: VersionStore, now: datetime) -> CompiledPolicy:
    stored = await versions.versions()
    async with read_history(engine) as history:
        return await active_version(history, stored, now)


def _terms(policy: CompiledPolicy) -> AutonomyTerms:
    terms = policy.document.autonomy
    return AutonomyTerms(enforce=terms.enforce, automatic=terms.default == "automatic")
