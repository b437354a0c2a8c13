"""The settlement of a message by a receiver."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Fate = Literal["complete", "abandon", "release", "defer", "dead_letter"]


@dataclass(frozen=True)
class Settlement:
    """What a receiver decided about a message, and the application properties it changes."""

    fate: Fate
    reason: str | None = None
    description: str | None = None
    changes: Mapping[object, object] = field(default_factory=dict)
