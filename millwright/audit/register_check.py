"""Compares the register with its acts: assets, their names elsewhere, what can be seen of them, and twin models."""

import json
from datetime import datetime

from domain.canonical import Json
from millwright.audit.report import Findings
from millwright.storage.audit.record import Record
from millwright.storage.audit.register_files import (
    RegisterAct,
    RegisterKey,
    register_acts,
    register_key,
    register_rows,
)


async def check_register(record: Record, findings: Findings) -> bool:
    """Names each row that is not as it was recorded, that nothing recorded, or that is gone.

    Returns:
        Whether the register is recorded. That of an earlier build is, from the first change of it on.
    """
    told = _ToldRegister()
    async for acts in register_acts(record):
        for act in acts:
            told.follow(act)
    if not told.held:
        return False
    async for rows in register_rows(record):
        for row in rows:
            recorded = told.rows.pop(row.key, None)
            if recorded is None:
                findings.add("register", _where(row.key), "was never recorded")
            elif recorded != row.told:
                findings.add("register", _where(row.key), "is not as recorded")
    for key in told.rows:
        findings.add("register", _where(key), "was recorded, and is gone")
    return True


def _where(key: RegisterKey) -> str:
    return f"{key[0].removesuffix('-recorded')} {' '.join(key[1:])}"


class _ToldRegister:
    """The rows of the register, rebuilt from the acts."""

    def __init__(self) -> None:
        self.held = False
        self.rows: dict[RegisterKey, Json] = {}
        self._begun: dict[str, dict[RegisterKey, datetime]] = {}
        """When the rows begin, by the subject of their acts."""

    def follow(self, act: RegisterAct) -> None:
        try:
            detail = json.loads(act.body)["detail"]
            if act.kind == "register-held":
                self.held = True
            elif act.kind == "asset-retired":
                self._forget_begun(act)
            else:
                key = register_key(act.kind, detail)
                self.rows[key] = detail
                if "valid_from" in detail:
                    self._begun.setdefault(act.subject, {})[key] = datetime.fromisoformat(detail["valid_from"])
        except (ValueError, KeyError, TypeError):
            return  # The act is named by its digest, and its row as one that was never recorded.

    def _forget_begun(self, act: RegisterAct) -> None:
        """A row that began at the instant of the retirement was never in force, and was deleted."""
        begun = self._begun.get(act.subject, {})
        for key in [key for key, at in begun.items() if at >= act.at]:
            del begun[key], self.rows[key]
