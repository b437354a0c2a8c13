#!/usr/bin/env bash
# asyncua 2.1.0 with a server of node-opcua 2.182.2: loading type definitions warns 42 times of types that are the same.
#
# Expected: a server that has nothing but OPC UA's own nodeset gives load_data_type_definitions() nothing to warn of.
# Happens: for 41 names of namespace 0, nearly all of them enumerations such as ServerState and NodeClass, asyncua logs
# "Browsename collision: ua.ServerState is already bound (data_type=None)". The type that is bound is asyncua's own of
# the same name and members: its generated enumerations do not know their data type, so they are taken for strangers.
# Each connection warns anew. A collision of two types that do differ is lost among them.
#
# Seen:
#   first connection    42 warnings, 41 names, namespaces {0}
#   second connection   42 warnings, 41 names, namespaces {0}
#   ServerState         the members of both are the same: True
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check asyncua==2.1.0
npm install --prefix "$dir" --silent --no-audit --no-fund node-opcua@2.182.2

cat > "$dir/server.cjs" <<'END'
console.log = console.warn = console.error;
const { writeFileSync } = require("node:fs");
const opcua = require("node-opcua");
const { nodesets, OPCUACertificateManager, OPCUAServer } = opcua;

(async () => {
  const certificates = new OPCUACertificateManager({ rootFolder: `${__dirname}/pki` });
  const server = new OPCUAServer({
    host: "127.0.0.1",
    hostname: "127.0.0.1",
    port: 0,
    serverCertificateManager: certificates,
    userCertificateManager: certificates,
    securityModes: [opcua.MessageSecurityMode.None],
    securityPolicies: [opcua.SecurityPolicy.None],
    nodeset_filename: [nodesets.standard],
  });
  await server.initialize();
  await server.start();
  writeFileSync(`${__dirname}/endpoint`, server.getEndpointUrl());
})();
END

cat > "$dir/check.py" <<'END'
import asyncio
import logging
import sys

from asyncua import Client, ua


class Collisions(logging.Handler):
    """Keeps the name and the data type of each collision that is logged."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.seen = []

    def emit(self, record):
        if record.msg.startswith("Browsename collision"):
            name, _, data_type = record.args
            self.seen.append((name, data_type))


async def main(endpoint):
    collisions = Collisions()
    logging.getLogger("asyncua").addHandler(collisions)
    for connection in "first", "second":
        collisions.seen.clear()
        async with Client(endpoint) as client:
            await client.load_data_type_definitions()
        names = {name for name, _ in collisions.seen}
        namespaces = {data_type.NamespaceIndex for _, data_type in collisions.seen}
        counted = f"{len(collisions.seen)} warnings, {len(names)} names, namespaces {namespaces}"
        print(f"{connection + ' connection':19} {counted}")
        assert len(collisions.seen) > 40
        assert {"ServerState", "NodeClass"} <= names
        assert namespaces == {0}
    loaded = ua.enums_by_datatype[dict(collisions.seen)["ServerState"]]
    same = [(state.name, state.value) for state in loaded] == [(state.name, state.value) for state in ua.ServerState]
    print(f"ServerState         the members of both are the same: {same}")
    assert loaded is not ua.ServerState
    assert same


asyncio.run(main(sys.argv[1]))
END

node "$dir/server.cjs" >"$dir/log" 2>&1 &
server=$!
for _ in $(seq 300); do [ -s "$dir/endpoint" ] && break; sleep 0.2; done
if "$dir/venv/bin/python" "$dir/check.py" "$(cat "$dir/endpoint")"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
