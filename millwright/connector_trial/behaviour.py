"""A named behaviour that every connector to a CMMS keeps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from millwright.connector_trial.trial import ConnectorTrial


@dataclass(frozen=True)
class Behaviour:
    """What a connector does, and how it is tried.

    Args:
        id: its name, for reports.
        sentence: what the connector does.
        run: tries it. It raises `BehaviourFailed`, or `NotApplicable` where the system cannot do it.
    """

    id: str
    sentence: str
    run: Callable[[ConnectorTrial], Awaitable[None]]


def behaviour(run: Callable[[ConnectorTrial], Awaitable[None]]) -> Behaviour:
    """The behaviour of a function: its name and the sentence of its docstring."""
    sentence = " ".join((run.__doc__ or "").split())
    return Behaviour(run.__name__, sentence, run)
