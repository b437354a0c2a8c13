"""A trial of a connector against the plant of a contract suite."""

from collections.abc import Mapping
from datetime import timedelta

import httpx

from domain.clock import WallClock
from domain.ports import Cmms
from millwright.connector_trial.trial import ConnectorTrial, TrialSystem
from tests.contract.cmms_plant import CmmsPlant


def trial_of(plant: CmmsPlant) -> ConnectorTrial:
    """A trial whose orders the plant itself counts."""
    draft = plant.draft()
    attributes: Mapping[str, str] = draft.asset_attributes

    def connect(http: httpx.AsyncClient, *, wrong_secret: bool = False) -> Cmms:
        return plant.connector(secret="another-key" if wrong_secret else None, http=http)

    return ConnectorTrial(
        TrialSystem(
            connect=connect,
            client=plant.client(),
            host=plant.host,
            asset=draft.asset_external_id,
            asset_attributes=attributes,
            run="contract",
            clock=WallClock(),
            secrets=plant.secrets,
            time_passes=lambda: plant.wait(timedelta(minutes=1)),
            orders_of=plant.orders_of,
        )
    )
