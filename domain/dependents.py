"""What depends on a machine, as the plant's twins say it: the machines that stop with it, and those that stand in for
it.

Both stand as attributes at the name of the machine's twin in the crosswalk. So they are dated, recorded and audited as
that name is.
"""

from collections.abc import Iterable, Mapping

from domain.model import Model

_STOPS, _STANDBY = "stops:", "standby:"


class Dependents(Model):
    """What was known of a machine's dependents when the time of its work was decided.

    Args:
        standby: the machine that stands in for it and runs a job; None if none does.
        stops: the machines that stop with it.
    """

    standby: str | None = None
    stops: tuple[str, ...] = ()


def dependent_attributes(stops: Iterable[str], standbys: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a machine.

    Args:
        stops: the machines that stop with it.
        standbys: by machine, the name of the equipment in the MES; empty if it has none.
    """
    named = {f"{_STANDBY}{machine}": equipment for machine, equipment in sorted(standbys.items())}
    return {**{f"{_STOPS}{machine}": "" for machine in sorted(stops)}, **named}


def stops_of(attributes: Mapping[str, str]) -> tuple[str, ...]:
    """The machines that stop with a machine, sorted."""
    return tuple(sorted(name.removeprefix(_STOPS) for name in attributes if name.startswith(_STOPS)))


def standbys_of(attributes: Mapping[str, str]) -> dict[str, str]:
    """The machines that stand in for a machine, sorted, with their names in the MES."""
    named = {name.removeprefix(_STANDBY): value for name, value in attributes.items() if name.startswith(_STANDBY)}
    return dict(sorted(named.items()))
