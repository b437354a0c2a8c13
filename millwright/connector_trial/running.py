"""Runs the behaviours one after another, and cleans up after each."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from time import monotonic
from typing import Final

from domain.cmms import CmmsCapabilities
from domain.errors import ConnectorError
from domain.model import Model
from millwright.connector_trial.behaviour import Behaviour
from millwright.connector_trial.behaviours import NEEDS_PEOPLE
from millwright.connector_trial.secret_forms import masked
from millwright.connector_trial.trial import (
    BehaviourFailed,
    ConnectorTrial,
    DisturbedCall,
    LeftOver,
    NotApplicable,
    TrialSystem,
    kind_of,
    words_of,
)

_GIVEN_UP: Final = "not tried, because the system asked us to slow down for more than five minutes; try again later"


class TrialOutcome(StrEnum):
    """What a trial of one behaviour showed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    """The system cannot do what the behaviour is about."""
    NEEDS_A_PERSON = "needs_a_person"
    """Only the people of the system can bring it about, so it was not tried."""


class TriedBehaviour(Model):
    """A behaviour and its outcome.

    Args:
        behaviour: its id.
        sentence: what a connector does.
        why: the reason if it did not pass.
        told: how the calls ended that were disturbed.
        requests: how many requests the system got for it, with cleaning up.
        seconds: how long it took, with cleaning up.
    """

    behaviour: str
    sentence: str
    outcome: TrialOutcome
    why: str | None = None
    told: tuple[DisturbedCall, ...] = ()
    requests: int = 0
    seconds: float = 0.0


class TrialReport(Model):
    """The result of a trial.

    Args:
        connector: its id.
        answers: what `check` said.
        asset: the asset for which orders were made.
        passed, failed, not_applicable, needs_a_person: how many behaviours had each outcome.
        requests: how many requests the system got.
        left_over: what people must cancel there.
    """

    connector: str
    answers: str
    asset: str
    capabilities: CmmsCapabilities
    passed: int
    failed: int
    not_applicable: int
    needs_a_person: int
    requests: int
    behaviours: tuple[TriedBehaviour, ...]
    left_over: tuple[LeftOver, ...]

    @property
    def succeeded(self) -> bool:
        """Whether no behaviour failed and nothing is left over."""
        return not self.failed and not self.left_over


async def run_trial(
    connector: str,
    system: TrialSystem,
    behaviours: Sequence[Behaviour],
    seen: Callable[[TriedBehaviour], None],
    left_open: Callable[[LeftOver], None],
) -> TrialReport:
    """Tries a connector by these behaviours.

    Args:
        seen: gets each behaviour as soon as it was tried.
        left_open: gets each order that could not be withdrawn, also when the trial is interrupted.

    Raises:
        ConnectorError: the system does not answer, refuses our sign-in, or no order can be created for the asset.
            Nothing was tried.
    """
    trial = ConnectorTrial(system)
    cmms = trial.connector()
    tried: list[TriedBehaviour] = []
    left: list[LeftOver] = []
    try:
        answers = await cmms.check()
        # Where no order can be created, such as for an asset that is not known, each behaviour would say the same.
        await trial.standing()
        for behaviour in behaviours:
            tried.append(await _tried_or_left(trial, behaviour))
            seen(tried[-1])
    finally:
        # Also after Ctrl-C, which cancels the task once.
        for order in await trial.clean_up(last=True):
            left.append(order.model_copy(update={"reason": masked(order.reason, trial.secrets)}))
            left_open(left[-1])
        await trial.close()
    tried += [
        TriedBehaviour(behaviour=name, sentence=sentence, outcome=TrialOutcome.NEEDS_A_PERSON)
        for name, sentence in NEEDS_PEOPLE.items()
    ]
    counts = {outcome: sum(each.outcome is outcome for each in tried) for outcome in TrialOutcome}
    return TrialReport(
        connector=connector,
        answers=masked(answers, trial.secrets),
        asset=system.asset,
        capabilities=cmms.capabilities,
        passed=counts[TrialOutcome.PASSED],
        failed=counts[TrialOutcome.FAILED],
        not_applicable=counts[TrialOutcome.NOT_APPLICABLE],
        needs_a_person=counts[TrialOutcome.NEEDS_A_PERSON],
        requests=trial.wire.requests,
        behaviours=tuple(tried),
        left_over=tuple(left),
    )


async def _tried_or_left(trial: ConnectorTrial, behaviour: Behaviour) -> TriedBehaviour:
    if not trial.wire.given_up:
        return await try_behaviour(trial, behaviour)
    return TriedBehaviour(
        behaviour=behaviour.id, sentence=behaviour.sentence, outcome=TrialOutcome.FAILED, why=_GIVEN_UP
    )


async def try_behaviour(trial: ConnectorTrial, behaviour: Behaviour) -> TriedBehaviour:
    """Tries one behaviour, and withdraws what it made."""
    began, before = monotonic(), trial.wire.requests
    trial.told.clear()
    outcome, why = TrialOutcome.PASSED, None
    try:
        await behaviour.run(trial)
    except NotApplicable as reason:
        outcome, why = TrialOutcome.NOT_APPLICABLE, str(reason)
    except BehaviourFailed as reason:
        outcome, why = TrialOutcome.FAILED, str(reason)
    except ConnectorError as error:
        outcome, why = TrialOutcome.FAILED, f"a call that must succeed ends with {kind_of(error)}: {error}"
    except Exception as error:  # noqa: BLE001 - whatever a connector raises fails its behaviour, and not the trial
        outcome = TrialOutcome.FAILED
        why = words_of(error)
    secrets = trial.secrets
    told = tuple(
        call if call.sentence is None else call.model_copy(update={"sentence": masked(call.sentence, secrets)})
        for call in trial.told
    )
    await trial.clean_up(failed=outcome is TrialOutcome.FAILED)
    return TriedBehaviour(
        behaviour=behaviour.id,
        sentence=behaviour.sentence,
        outcome=outcome,
        why=None if why is None else masked(why, secrets),
        told=told,
        requests=trial.wire.requests - before,
        seconds=round(monotonic() - began, 1),
    )
