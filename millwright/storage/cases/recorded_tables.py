"""The tables of codes with which the workers for cases run, as they recorded them when they started.

No process but those workers has the settings of a connector. The record has them for all.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.code_descriptions import CodeDescriptions
from domain.iso14224 import Iso14224Crosswalk, of_code
from domain.processes import ProcessKind
from domain.work_orders import FindingRole, ReportedCode
from millwright.storage.ledger.settings_taken import last_settings

_OF_SAP: Final = {"damage": "problem", "activity": "remedy"}
"""How SAP's catalogs are called in its table of outcomes, with the roles of their codes."""
_STAGES: Final = "stages"


class RecordedTables(NamedTuple):
    """The tables of one CMMS instance.

    Args:
        outcomes: the codes that mean a class, for each role.
        stages: the stages that mean a class; None if codes of this CMMS are no stages.
        failure_modes: the failure mode that a problem code means.
    """

    outcomes: Mapping[str, Mapping[str, object]] = {}
    stages: Mapping[str, object] | None = None
    failure_modes: Mapping[str, str] = {}
    iso14224: Iso14224Crosswalk = Iso14224Crosswalk()
    descriptions: CodeDescriptions = CodeDescriptions()

    def means_a_class(self, chosen: ReportedCode) -> bool:
        """Whether the table of outcomes has a code."""
        return of_code(self.outcomes.get(chosen.role.value, {}), chosen) is not None

    def means_anything(self, chosen: ReportedCode) -> bool:
        """Whether any table has a code."""
        named = chosen.role is FindingRole.PROBLEM and of_code(self.failure_modes, chosen) is not None
        return named or self.means_a_class(chosen) or self.iso14224.meaning(chosen) is not None


async def recorded_tables(connection: AsyncConnection) -> dict[str, RecordedTables]:
    """The tables of each CMMS instance by its id, as the worker for cases that started last has them."""
    taken = await last_settings(connection, ProcessKind.CASES)
    return {} if taken is None else tables_of(taken.values)


def tables_of(values: Mapping[str, object]) -> dict[str, RecordedTables]:
    """The tables of each CMMS instance in the recorded settings of a worker."""
    systems = {name.split(".")[1] for name in values if name.startswith("cmms.") and name.endswith(".connector")}
    return {system: _of(system, values) for system in systems}


def _of(system: str, values: Mapping[str, object]) -> RecordedTables:
    def table(name: str) -> dict[str, object]:
        # An earlier build did not record it.
        found = values.get(f"cmms.{system}.{name}")
        return found if isinstance(found, dict) else {}

    told = table("outcomes")
    return RecordedTables(
        outcomes={_OF_SAP.get(role, role): codes for role, codes in told.items() if isinstance(codes, dict)},
        stages=dict(stages) if isinstance(stages := told.get(_STAGES), dict) else None,
        failure_modes={code: str(mode) for code, mode in table("failure_modes").items()},
        iso14224=Iso14224Crosswalk.model_validate(table("iso14224")),
        descriptions=CodeDescriptions.model_validate(table("code_descriptions")),
    )
