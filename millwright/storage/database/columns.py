"""The columns of a table by name, for statements in SQL.

No statement selects `*`: when a migration adds a column, PostgreSQL refuses the prepared statement with "cached plan
must not change result type", and an earlier build would read a column that it does not know.
"""

from sqlalchemy import Table


def column_list(table: Table, alias: str) -> str:
    """The columns of a table that this build knows, for a `SELECT`."""
    return ", ".join(f"{alias}.{column.name}" for column in table.columns)
