"""Which states of holds are live, for queries."""

from typing import Final

from domain.holds import HoldStatus

LIVE: Final = [state.value for state in HoldStatus if state.live]
LIVE_STATES: Final = f"({', '.join(repr(state) for state in LIVE)})"
"""The same for `state IN …`."""
