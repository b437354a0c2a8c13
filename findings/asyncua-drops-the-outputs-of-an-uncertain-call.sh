#!/usr/bin/env bash
# asyncua 2.1.0 with a server of node-opcua 2.182.2: what a method returned with the status Uncertain is thrown away.
#
# OPC UA knows good, uncertain and bad, and outputs come with uncertain too. The methods of ISA-95 Job Control (OPC
# 10031-4) rest on this: they answer Good or Uncertain, and their output ReturnStatus says why a job was refused.
# Expected: call_method returns the outputs, or raises an error that holds them.
# Happens: it raises UaStatusCodeError, which knows the status and nothing else. The reply had the output: the call one
# level lower, client.uaclient.call, returns it.
#
# Seen, for a method that answers Uncertain and the output 2:
#   call_method     UaStatusCodeError: The operation was uncertain.(Uncertain); outputs in it: none
#   uaclient.call   Uncertain, outputs [2]
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
const { DataType, OPCUACertificateManager, OPCUAServer, StatusCodes, VariantArrayType } = opcua;

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
  });
  await server.initialize();
  const namespace = server.engine.addressSpace.getOwnNamespace();
  const machine = namespace.addObject({ browseName: "Machine", organizedBy: "ObjectsFolder", nodeId: "s=Machine" });
  const method = namespace.addMethod(machine, {
    browseName: "Pause",
    nodeId: "s=Pause",
    inputArguments: [],
    outputArguments: [{ name: "ReturnStatus", dataType: DataType.UInt64 }],
  });
  const returnStatus = { dataType: DataType.UInt64, arrayType: VariantArrayType.Scalar, value: [0, 2] };
  method.bindMethod((inputs, context, callback) =>
    callback(null, { statusCode: StatusCodes.Uncertain, outputArguments: [returnStatus] }),
  );
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
        machine, method = client.get_node("ns=1;s=Machine"), client.get_node("ns=1;s=Pause")
        try:
            await machine.call_method(method)
        except ua.UaStatusCodeError as error:
            held = [name for name in vars(error) if "output" in name.lower()]
            print(f"call_method     {type(error).__name__}: {error}; outputs in it: {held or 'none'}")
            assert error.code == ua.StatusCodes.Uncertain
            assert not held
        else:
            raise AssertionError("call_method raised nothing")
        request = ua.CallMethodRequest(ObjectId=machine.nodeid, MethodId=method.nodeid, InputArguments=[])
        (result,) = await client.uaclient.call([request])
        outputs = [output.Value for output in result.OutputArguments]
        print(f"uaclient.call   {result.StatusCode.name}, outputs {outputs}")
        assert outputs == [2]


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
