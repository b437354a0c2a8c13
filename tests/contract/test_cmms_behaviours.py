"""The behaviours that `millwright connector try` tries on a live system, against the plant of every connector."""

import pytest

from millwright.connector_trial.behaviour import Behaviour
from millwright.connector_trial.behaviours import BEHAVIOURS
from millwright.connector_trial.running import try_behaviour
from tests.contract.cmms_plant import CmmsPlant
from tests.contract.trial_of_plant import trial_of


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.id)
async def test_a_connector_keeps_each_behaviour(cmms_plant: CmmsPlant, behaviour: Behaviour) -> None:
    trial = trial_of(cmms_plant)
    tried = await try_behaviour(trial, behaviour)
    left = await trial.clean_up(last=True)
    await trial.close()
    wanted = cmms_plant.not_applicable.get(behaviour.id)
    assert f"{tried.outcome}: {tried.why}" == (f"not_applicable: {wanted}" if wanted else "passed: None")
    assert left == ()
