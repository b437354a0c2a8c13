"""The records that a method is called on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.odoo.session import Session


@dataclass(frozen=True)
class Records:
    """Records of one model, as one user works with them."""

    session: Session
    model: str
    ids: Sequence[int] = ()
