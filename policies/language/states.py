"""States: conditions that are evaluated over a fault's anomalies in event time, with the delays of ISA-18.2.

The fold is pure and bounded. An observation that comes after a later one changes nothing here; within lateness,
judging folds the window again in event order.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from domain.verdict import FollowedState, Memory
from policies.language.schema import State
from policies.language.variables import Facts, Value, Variable

_AT_ONCE = timedelta(0)
_MINUTE = timedelta(minutes=1)
_EMPTY = FollowedState()

STATE: Mapping[str, Variable] = {
    "raised": Variable("BOOL", "whether it is raised, its last observation being at most a window old"),
    "changed": Variable("BOOL", "whether this anomaly raised or cleared it"),
    "minutes": Variable("DOUBLE", "minutes since the observation that raised it; 0 while it is not raised"),
    "observed": Variable("INT", "how many observations are remembered: at most `of`, none older than the window"),
    "met": Variable("INT", "how many of these met `raise_when`"),
    "chatter": Variable("DOUBLE", "share of the steps between these at which the answer changed: 0 steady, 1 always"),
}
"""The values of a state that a condition may use, after its name: `state.<name>.raised`."""


def observe_state(
    before: FollowedState, terms: State, at: datetime, raising: bool, clearing: bool, window: timedelta
) -> FollowedState:
    """A state after an observation.

    Args:
        before: the state before it; it is not changed.
        terms: the state's definition in the policy.
        at: the observation's event time.
        raising: whether it met `raise_when`.
        clearing: whether it met `clear_when`.
        window: how long an observation counts.
    """
    if before.observed:
        last = before.observed[-1][0]
        if at < last:
            return before
        if at - last > window:
            before = _EMPTY
    observed = (*((seen, met) for seen, met in before.observed if at - seen <= window), (at, raising))[-terms.of :]
    opposed, delay = (clearing, terms.off_delay) if before.raised else (raising, terms.on_delay)
    if not opposed:
        return before.model_copy(update={"observed": observed, "pending_since": None})
    pending = before.pending_since or at
    if at - pending < (delay or _AT_ONCE):
        return before.model_copy(update={"observed": observed, "pending_since": pending})
    return FollowedState(raised=not before.raised, since=at, pending_since=None, observed=observed)


def state_variables(terms: State) -> Mapping[str, Variable]:
    """The names of a state in conditions."""
    return {
        f"state.{terms.id}.{name}": Variable(variable.type, f"{terms.says} {variable.meaning}")
        for name, variable in STATE.items()
    }


def state_readers(name: str) -> Mapping[str, Callable[[Facts], Value]]:
    """The readers of a state's names."""
    return {
        f"state.{name}.raised": lambda facts: _current(facts.memory, name, facts).raised,
        f"state.{name}.changed": lambda facts: _raised(facts.memory, name, facts) != _raised(facts.before, name, facts),
        f"state.{name}.minutes": lambda facts: _minutes(_current(facts.memory, name, facts), facts.anomaly.at),
        f"state.{name}.observed": lambda facts: len(_observed(name, facts)),
        f"state.{name}.met": lambda facts: sum(_observed(name, facts)),
        f"state.{name}.chatter": lambda facts: _chatter(_observed(name, facts)),
    }


def _current(memory: Memory, name: str, facts: Facts) -> FollowedState:
    state = memory.states.get(name, _EMPTY)
    if not state.observed or facts.anomaly.at - state.observed[-1][0] > facts.window:
        return _EMPTY
    return state


def _raised(memory: Memory, name: str, facts: Facts) -> bool:
    return _current(memory, name, facts).raised


def _minutes(state: FollowedState, at: datetime) -> float:
    # A late anomaly may lie before the observation that raised it.
    return max((at - state.since) / _MINUTE, 0.0) if state.raised and state.since is not None else 0.0


def _observed(name: str, facts: Facts) -> list[bool]:
    at, state = facts.anomaly.at, facts.memory.states.get(name, _EMPTY)
    return [met for seen, met in state.observed if seen <= at and at - seen <= facts.window]


def _chatter(observed: list[bool]) -> float:
    steps = list(pairwise(observed))
    return sum(before != after for before, after in steps) / len(steps) if steps else 0.0
