"""Counts by which acts the processes took settings that steer."""

from domain.processes import SETTINGS_TAKEN
from millwright.audit.report import SettingsCount
from millwright.storage.audit.record_rows import ActRow


class SettingsTaken:
    """Follows the ledger from its first row."""

    def __init__(self) -> None:
        self._counts: dict[str, SettingsCount] = {}

    def follow(self, act: ActRow) -> None:
        """Counts an act, if it is one."""
        if act.kind != SETTINGS_TAKEN:
            return
        process = act.subject.partition("/")[2]
        before = self._counts.get(process)
        self._counts[process] = SettingsCount(
            process=process,
            taken=1 if before is None else before.taken + 1,
            first=act.ledger_seq if before is None else before.first,
            last=act.ledger_seq,
        )

    @property
    def counts(self) -> tuple[SettingsCount, ...]:
        """The counts of each kind of process, the first in the record first."""
        return tuple(self._counts.values())
