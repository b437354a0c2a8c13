#!/usr/bin/env bash
# asyncua 2.1.0 with a server of node-opcua 2.182.2: loading the types does not keep to the OperationLimits of the server.
#
# A server says in MaxNodesPerRead how many nodes one request may read (OPC 10000-5, ServerCapabilities). Small devices
# have small limits. A client that reads more gets BadTooManyOperations (OPC 10000-4).
# Expected: load_data_type_definitions divides what it reads by the limit that the server shows.
# Happens: it sends one request for all data types of a level, and the whole loading fails.
#
# Seen, with MaxNodesPerRead 10:
#   MaxNodesPerRead                10
#   load_data_type_definitions     BadTooManyOperations
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
const { MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy } = require("node-opcua");

(async () => {
  const certificates = new OPCUACertificateManager({ rootFolder: `${__dirname}/pki` });
  const server = new OPCUAServer({
    host: "127.0.0.1",
    hostname: "127.0.0.1",
    port: 0,
    serverCertificateManager: certificates,
    userCertificateManager: certificates,
    securityModes: [MessageSecurityMode.None],
    securityPolicies: [SecurityPolicy.None],
    serverCapabilities: { operationLimits: { maxNodesPerRead: 10 } },
  });
  await server.start();
  writeFileSync(`${__dirname}/endpoint`, server.getEndpointUrl());
})();
END

cat > "$dir/check.py" <<'END'
import asyncio
import logging
import sys

from asyncua import Client, ua

logging.disable(logging.CRITICAL)


async def main(url):
    async with Client(url) as client:
        limit = await client.get_node(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead).read_value()
        try:
            await client.load_data_type_definitions()
            seen = "no error"
        except ua.UaStatusCodeError as error:
            seen = type(error).__name__
    print(f"MaxNodesPerRead                {limit}")
    print(f"load_data_type_definitions     {seen}")
    sys.exit((limit, seen) != (10, "BadTooManyOperations"))


asyncio.run(main(sys.argv[1]))
END

node "$dir/server.cjs" 2>/dev/null &
server=$!
for _ in $(seq 600); do [ -s "$dir/endpoint" ] && break; sleep 0.1; done
"$dir/venv/bin/python" "$dir/check.py" "$(cat "$dir/endpoint")"
