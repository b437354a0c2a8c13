"""The scopes of acts, compared with the register in force: whether their names exist, and the machines they reach."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.act_scopes import WHOLE_PLANT, ActScope, named
from domain.anomaly import UNKNOWN_MODE
from domain.assets import retired_words
from domain.assigning import share_of
from domain.errors import ActRejected
from millwright.storage.database.asset_rows import retired_at

_IN_FORCE: Final = "FROM assets WHERE valid_to IS NULL"
_NAMES: Final = {
    "asset": f"SELECT id AS name {_IN_FORCE}",
    "site": f"SELECT site AS name {_IN_FORCE} UNION SELECT id {_IN_FORCE} AND level = 'site'",
    "line": f"SELECT line AS name {_IN_FORCE} UNION SELECT id {_IN_FORCE} AND level = 'line'",
    "asset_class": f"SELECT DISTINCT asset_class AS name {_IN_FORCE}",
    # A detector may name a mode that no observable has. It is known from the first case on.
    "failure_mode": "SELECT failure_mode AS name FROM observables UNION SELECT failure_mode FROM cases",
}
_IS_KNOWN: Final = {
    field: text(f"SELECT EXISTS (SELECT FROM ({names}) known WHERE name = :name)") for field, names in _NAMES.items()
}
_ALL_KNOWN: Final = {
    field: text(f"SELECT name FROM ({names}) known WHERE name IS NOT NULL ORDER BY name")
    for field, names in _NAMES.items()
}
_POLICIES = text("SELECT document FROM policy_versions WHERE strpos(document, 'failure_mode') > 0")
# A component may be registered without its machine. Cases count it as a machine, and so does this.
_MACHINES = text(
    f"SELECT DISTINCT coalesce(machine, id) AS machine {_IN_FORCE} AND level NOT IN ('site', 'line') "
    "AND (CAST(:asset AS text) IS NULL OR :asset IN (id, machine, line, site)) "
    "AND (CAST(:site AS text) IS NULL OR site = :site) AND (CAST(:line AS text) IS NULL OR line = :line) "
    "AND (CAST(:asset_class AS text) IS NULL OR asset_class = :asset_class)"
)
_SAID_OF_A_MODE = re.compile(r"failure_mode[^\n]*")
_QUOTED = re.compile(r"""(['"])(.+?)\1""")
_RETIRABLE = ("asset", "site", "line")
_SHORT = 10
"""A list of so many known names is given whole."""


class _NameRow(NamedTuple):
    name: str


class _MachineRow(NamedTuple):
    machine: str


class _DocumentRow(NamedTuple):
    document: str


async def reach(connection: AsyncConnection, scope: ActScope) -> frozenset[str]:
    """The machines that an act reaches, if every name of its scope is known. The whole plant may have no machine yet.

    Raises:
        ActRejected: a name is unknown or is that of a retired asset, or no machine is in the scope.
    """
    await check_names(connection, scope)
    machines = await machines_of(connection, scope)
    if not machines and scope != WHOLE_PLANT:
        raise ActRejected(
            f"no machine of the register is in {scope.words}",
            field=next(iter(scope.names), "percent"),
            fix="see `millwright assets list`",
        )
    return machines


async def check_names(connection: AsyncConnection, scope: ActScope) -> None:
    """Checks that every name of a scope is one of the register in force.

    Raises:
        ActRejected: a name is unknown, or is that of a retired asset.
    """
    for field, name in scope.names.items():
        if await connection.scalar(_IS_KNOWN[field], {"name": name}):
            continue
        also = await _modes_of_policies(connection) if field == "failure_mode" else set()
        if name not in also:
            await _refuse(connection, field, name, also)


async def machines_of(connection: AsyncConnection, scope: ActScope) -> frozenset[str]:
    """The machines of a scope by the register in force; none if its names are unknown."""
    values = {field: getattr(scope, field) for field in ("asset", "site", "line", "asset_class")}
    rows = map(_MachineRow._make, await connection.execute(_MACHINES, values))
    return frozenset(row.machine for row in rows if scope.percent is None or share_of(row.machine) < scope.percent)


async def _modes_of_policies(connection: AsyncConnection) -> set[str]:
    """The failure modes that stored policies compare with, and the one of events that tell none."""
    rows = map(_DocumentRow._make, await connection.execute(_POLICIES))
    said = (part for row in rows for part in _SAID_OF_A_MODE.findall(row.document))
    return {UNKNOWN_MODE, *(mode for part in said for _, mode in _QUOTED.findall(part))}


async def _refuse(connection: AsyncConnection, field: str, name: str, also: Collection[str]) -> None:
    retired = await retired_at(connection, [name]) if field in _RETIRABLE else {}
    if name in retired:
        raise ActRejected(retired_words(name, retired[name]), field=field, fix="leave it out")
    rows = map(_NameRow._make, await connection.execute(_ALL_KNOWN[field]))
    known = sorted({row.name for row in rows} | set(also))
    raise ActRejected(f"there is no {named(field, name)}", field=field, fix=_nearest(name, known))


def _nearest(name: str, known: Collection[str]) -> str:
    # Upper and lower case are often what is wrong.
    folded = {each.casefold(): each for each in known}
    near = [folded[each] for each in get_close_matches(name.casefold(), folded)]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= _SHORT else "see `millwright assets list`"
