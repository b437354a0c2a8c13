"""Settings of the OPC UA Job Control connector."""

from datetime import timedelta

from pydantic import Field

from connectors.opcua.connection_settings import OpcUaSettings
from domain.model import Duration
from domain.production import HoldEnforcement


class JobControlSettings(OpcUaSettings):
    """Settings of one Job Control server; those of the connection are in `OpcUaSettings`.

    Args:
        shared_for: how long one reading of the job list is shared by all cases that read the state of production; a
            hold is always planned, placed and released on a separate reading.
        settle: how long a job may take to reach the state that a method requested.
        stop_masters: the work masters of planned stops that the plant's calendar enters as job orders.
        shortest_stop: minimum length of a gap between two jobs that counts as a planned stop, if no stop is entered.
        silent_success: whether the server answers Good with ReturnStatus 0, which says nothing, for what it has done.
            Then such an answer counts as success if the job has changed as requested.
        enforcement: how strictly the MES enforces a hold; the plant sets it, because the standard has no way to read
            it.
    """

    shared_for: Duration = Field(default=timedelta(seconds=15), ge=timedelta())
    settle: Duration = Field(default=timedelta(seconds=2), ge=timedelta())
    stop_masters: tuple[str, ...] = ("PLANNED-STOP",)
    shortest_stop: Duration = Field(default=timedelta(hours=1), gt=timedelta())
    silent_success: bool = False
    enforcement: HoldEnforcement = HoldEnforcement.ENFORCED
