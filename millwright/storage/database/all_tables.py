"""The metadata with every table in it: for those who need all of them, whatever else is imported."""

# Each module adds its tables to the metadata when it is imported.
from millwright.storage.database import (  # noqa: F401
    case_tables,
    drift_tables,
    event_tables,
    freshness_tables,
    hold_tables,
    installation_tables,
    ledger_tables,
    maintenance_tables,
    operating_tables,
    person_tables,
    policy_tables,
    quality_tables,
    study_tables,
    suppression_tables,
    walk_down_tables,
)
from millwright.storage.database.tables import metadata

__all__ = ["metadata"]
