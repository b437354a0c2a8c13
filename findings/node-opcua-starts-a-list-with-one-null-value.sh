#!/usr/bin/env bash
# node-opcua 2.182.2 with its nodeset ISA95-JOBCONTROL_V2 2.0.0: a list of structures begins as one null structure.
#
# The nodeset declares WorkMaster of a job order receiver as a mandatory list (value rank 1) of ISA95WorkMasterDataType.
# Expected: until the server's author sets it, it is null or an empty list, as EquipmentID, a list of texts, is.
# Happens: the instance begins with a scalar: an ExtensionObject of the type i=0 without a body. The value rank stays
# 1. asyncua 2.1.0 reads an ExtensionObject where a list is declared, so a client that goes through the list fails.
#
# Seen:
#   EquipmentID   value rank 1   list: True    []
#   WorkMaster    value rank 1   list: False   ExtensionObject(TypeId=NodeId(Identifier=0, …), Body=None)
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
    nodeset_filename: ["standard", "di", "ia", "machinery", "isa95JobControl"].map((name) => nodesets[name]),
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  const index = space.getNamespaceIndex("http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/");
  space.findObjectType("ISA95JobOrderReceiverObjectType", index).instantiate({
    namespace: space.getOwnNamespace(),
    browseName: "Receiver",
    nodeId: "s=Receiver",
    organizedBy: space.rootFolder.objects,
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

logging.disable(logging.WARNING)


async def main(endpoint):
    async with Client(endpoint) as client:
        index = await client.get_namespace_index("http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/")
        receiver = client.get_node("ns=1;s=Receiver")
        for name, is_list in {"EquipmentID": True, "WorkMaster": False}.items():
            node = await receiver.get_child(f"{index}:{name}")
            rank = await node.read_value_rank()
            value = (await node.read_data_value()).Value
            print(f"{name:13} value rank {rank:d}   list: {value.is_array!s:5}   {value.Value}")
            assert rank == ua.ValueRank.OneDimension
            assert value.is_array is is_list
        assert value.Value == ua.ExtensionObject()


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
