"""The kinds of long-lived processes of an installation, and the act by which each records the settings that it runs
with."""

from enum import StrEnum
from typing import Final

SETTINGS_TAKEN: Final = "settings-taken"
"""The kind of the act: from its ledger row on, processes of a kind run with these settings."""


class ProcessKind(StrEnum):
    """A kind of process. A worker that is not limited is both of the first two."""

    JUDGING = "judging"
    CASES = "cases"
    INTAKE = "intake"
    API = "api"

    @property
    def subject(self) -> str:
        """The subject of its acts in the ledger."""
        return f"settings/{self.value}"
