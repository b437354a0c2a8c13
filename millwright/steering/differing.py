"""Which settings that steer differ between processes that run at the same time."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from domain.processes import ProcessKind
from millwright.steering.declared import OF_EACH_CMMS, STEERS
from millwright.storage.ledger.settings_taken import TakenSettings


def differing_settings(running: Sequence[TakenSettings]) -> list[str]:
    """Each setting that steers two processes and differs between them, as a sentence."""
    found = {
        f"{name} is {one.values.get(name)} for {one.process} and {other.values.get(name)} for {other.process}": None
        for one, other in combinations(running, 2)
        for name in sorted(one.values.keys() | other.values.keys())
        if one.values.get(name) != other.values.get(name) and _steers_both(name, one, other)
    }
    return list(found)


def _steers_both(name: str, one: TakenSettings, other: TakenSettings) -> bool:
    values = {**one.values, **other.values}
    return all(taken.process in _steered(name, values) for taken in (one, other))


def _steered(name: str, values: Mapping[str, object]) -> frozenset[ProcessKind]:
    """The processes that a recorded setting steers."""
    port, _, rest = name.partition(".")
    instance, _, own = rest.rpartition(".")
    if not rest or own in ("connector", "sites"):
        return STEERS.get(port, frozenset())
    if own in OF_EACH_CMMS:
        return frozenset({ProcessKind.CASES})
    return STEERS.get(f"{values.get(f'{port}.{instance}.connector')}.{own}", frozenset())
