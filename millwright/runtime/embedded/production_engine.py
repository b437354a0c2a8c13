"""Temporal's production server with a separate PostgreSQL: built and checked, set up and run on this machine.

Its parts are those of a cluster: frontend, history, matching and worker, with persistence and visibility in two
databases. Here they share one process; see docs/operations.md for many.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from domain.errors import Rejected, Unavailable
from millwright.runtime.embedded import go_programs, postgres
from millwright.runtime.embedded.go_programs import GoModule, GoProgram
from millwright.runtime.embedded.processes import quiet_port
from millwright.runtime.embedded.temporal_server import TUNING

MODULE: Final = GoModule("go.temporal.io/server", "1.32.1", "h1:grI5B5cBEMRJnDzGKtsxQRQpsNPisej1B6WgVksc9EM=")
SERVER: Final = GoProgram(
    name="server",
    module=MODULE,
    package="cmd/server",
    cost="five to ten minutes",
    digests={
        "linux-amd64": "52103460b5708c4612c80527b92ddce8fd9d96e26ee23a87fda4c152368385a5",
    },
)
SCHEMA_TOOL: Final = GoProgram(
    name="sql",
    module=MODULE,
    package="cmd/tools/sql",
    cost="two minutes",
    digests={
        "linux-amd64": "c5e9231deb88741990a9e28476fd76f876e3263da5de96149d3d2db14a589309",
    },
)
VISIBILITY_SUM: Final = "h1:PtQHemDUVdgP6pww5aSRUIU7HtQh1JLUdAAVh6y/VJ4="
"""That of the copied tables of visibility; see `go_programs.folder_sum`."""

_VISIBILITY: Final = "schema/postgresql/v12/visibility/versioned"
_EXTENSION: Final = "CREATE EXTENSION btree_gin;"
_DATABASES: Final = ("temporal", "temporal_visibility")
_PLUGIN: Final = "postgres12_pgx"
"""The driver that can connect by a Unix socket."""
_SERVICES: Final = ("frontend", "history", "matching", "worker")
_HISTORY_SHARDS: Final = 4
"""For one process. A cluster takes 512 or more, and never changes the number."""
_NAMESPACE: Final = "default"
_RETENTION: Final = "604800s"


@dataclass(frozen=True)
class Programs:
    """The built programs: the server, the tool that creates its tables, and the tables of visibility."""

    server: Path
    schema_tool: Path
    visibility: Path


def find(say: Callable[[str], None]) -> Programs:
    """The checked programs and tables, built and copied if they are missing.

    Args:
        say: called with a sentence before a long step.

    Raises:
        Rejected: they cannot be built, or are not those whose checksums the repository has.
    """
    schema_tool = go_programs.find(SCHEMA_TOOL, say)
    server = go_programs.find(SERVER, say)
    visibility = go_programs.cache_directory(MODULE) / "visibility"
    if not visibility.exists():
        copy_visibility(go_programs.source(MODULE) / _VISIBILITY, visibility)
    return Programs(server, schema_tool, checked_tables(visibility))


def checked_tables(visibility: Path) -> Path:
    """The folder of the copied tables of visibility.

    Raises:
        Rejected: its files are not those that are copied from the pinned source.
    """
    if go_programs.folder_sum(visibility) != VISIBILITY_SUM:
        raise Rejected(
            f"{visibility} was not used: its files are not those of the Temporal server {MODULE.version}",
            fix="find out who changed them, then delete the folder: the next start copies it again",
        )
    return visibility


def copy_visibility(source: Path, target: Path) -> None:
    """Copies the tables of visibility without the extension `btree_gin`, which the wheel's PostgreSQL lacks.

    The extension allows the namespace in the indexes over lists and texts. Without it a search reads the rows of all
    namespaces, but there is only one here.
    """
    making = target.with_name("visibility-in-the-making")
    shutil.rmtree(making, ignore_errors=True)
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        copy = making / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        plain = file.read_text().replace("GIN (namespace_id, ", "GIN (").replace(_EXTENSION, "NULL;")
        copy.write_text(plain)
    making.rename(target)


class ProductionEngine:
    """See `millwright.runtime.embedded.engines.EmbeddedEngine`.

    Args:
        home: its database's files and its configuration are in `engine` below it.
        port: the loopback port of its frontend; a free one if None.
    """

    def __init__(self, home: Path, port: int | None = None) -> None:
        self._home = home / "engine"
        # The server stores its ports in its database, in columns with the maximum 32767.
        self._ports = {name: (quiet_port(), quiet_port()) for name in _SERVICES}
        if port is not None:
            self._ports["frontend"] = (port, quiet_port())
        self._http = quiet_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._ports['frontend'][0]}"

    def command(self, say: Callable[[str], None]) -> list[str]:
        return [str(find(say).server), "--config-file", str(self._file), "--allow-no-auth", "start"]

    def before_start(self) -> None:
        """Starts its PostgreSQL, brings both databases to the server's schema, and writes its configuration."""
        self._home.mkdir(parents=True, exist_ok=True)
        url = postgres.start(self._postgres)
        server = {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
        programs = find(_silent)
        with psycopg.connect(url, autocommit=True) as connection:
            there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in _DATABASES:
                if name not in there:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        schemas = (["--schema-name", "postgresql/v12/temporal"], ["--schema-dir", str(programs.visibility)])
        for name, schema in zip(_DATABASES, schemas, strict=True):
            tool = [str(programs.schema_tool), "--plugin", _PLUGIN, "--ep", "localhost", "-p", "5432"]
            tool += ["-u", server["user"], "--db", name, "--connect-attributes", f"host={server['host']}"]
            if not _versioned(url, name):
                _run([*tool, "setup-schema", "-v", "0.0"])
            _run([*tool, "update-schema", *schema])
        tuning = {name: [{"value": value}] for name, value in TUNING.items()}
        (self._home / "dynamic.yaml").write_text(json.dumps(tuning, indent=2))
        # JSON is YAML.
        self._file.write_text(json.dumps(self.configuration(server), indent=2))

    def serves(self) -> bool:
        """Whether the frontend answers. It creates the namespace if it is missing, because a new server has none.

        Raises:
            Unavailable: it refuses the namespace.
        """
        body = {"namespace": _NAMESPACE, "workflowExecutionRetentionPeriod": _RETENTION}
        try:
            reply = httpx.post(f"http://127.0.0.1:{self._http}/api/v1/namespaces", json=body, timeout=10)
        except httpx.HTTPError:
            return False
        if reply.is_client_error and reply.status_code != httpx.codes.CONFLICT:
            raise Unavailable(f"it refused its namespace: {reply.text[:300]}", system="temporal", operation="start")
        return reply.status_code in (httpx.codes.OK, httpx.codes.CONFLICT)

    def kill_database(self) -> None:
        postgres.kill(self._postgres)

    def forget(self) -> None:
        postgres.kill(self._postgres)
        shutil.rmtree(self._postgres, ignore_errors=True)

    def stop_database(self) -> None:
        postgres.stop(self._postgres)

    @property
    def _postgres(self) -> Path:
        return self._home / "postgres"

    @property
    def _file(self) -> Path:
        return self._home / "server.yaml"

    def configuration(self, server: Mapping[str, str]) -> dict[str, object]:
        """See https://docs.temporal.io/references/configuration."""
        stores = {
            name: {
                "sql": {
                    "pluginName": _PLUGIN,
                    "databaseName": name,
                    "connectAddr": "localhost:5432",
                    "connectProtocol": "tcp",
                    # A directory as host means its Unix socket: this PostgreSQL does not listen on TCP.
                    "connectAttributes": {"host": server["host"]},
                    "user": server["user"],
                    "maxConns": connections,
                    "maxIdleConns": connections,
                    "maxConnLifetime": "1h",
                }
            }
            for name, connections in (("temporal", 20), ("temporal_visibility", 5))
        }
        services: dict[str, dict[str, dict[str, object]]] = {
            name: {"rpc": {"grpcPort": grpc, "membershipPort": membership, "bindOnLocalHost": True}}
            for name, (grpc, membership) in self._ports.items()
        }
        services["frontend"]["rpc"]["httpPort"] = self._http
        cluster = {
            "enabled": True,
            "initialFailoverVersion": 1,
            "rpcName": "frontend",
            "rpcAddress": self.address,
        }
        return {
            "log": {"stdout": True, "level": "error"},
            "persistence": {
                "defaultStore": "temporal",
                "visibilityStore": "temporal_visibility",
                "numHistoryShards": _HISTORY_SHARDS,
                "datastores": stores,
            },
            "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"}},
            "services": services,
            "clusterMetadata": {
                "enableGlobalNamespace": False,
                "failoverVersionIncrement": 10,
                "masterClusterName": "active",
                "currentClusterName": "active",
                "clusterInformation": {"active": cluster},
            },
            "dcRedirectionPolicy": {"policy": "noop"},
            "dynamicConfigClient": {"filepath": str(self._home / "dynamic.yaml"), "pollInterval": "60s"},
        }


def _versioned(url: str, database: str) -> bool:
    with psycopg.connect(url, dbname=database) as connection:
        return connection.execute("SELECT to_regclass('schema_version') IS NOT NULL").fetchone() == (True,)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command lines
    if done.returncode != 0:
        raise Rejected(f"the workflow engine's database cannot be set up: {(done.stdout + done.stderr)[-500:]}")


def _silent(words: str) -> None:
    del words
