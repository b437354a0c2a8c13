#!/usr/bin/env bash
# asyncua 2.1.0 with the nodesets of node-opcua-nodesets 2.182.0: a structure with a field of an option set type of its
# own nodeset cannot be imported.
#
# The nodeset Machinery/Jobs 1.0.1 (OPC 40001-3) defines OutputInfoType, a subtype of Byte with IsOptionSet="true", and
# the structure OutputInformationDataType, whose first field has this type. It requires ISA95-JOBCONTROL_V2 2.0.0.
# Expected: with that imported, a server of asyncua imports it, as it imports Job Control itself.
# Happens: a RuntimeError, because no type is known for the field.
#
# Seen:
#   Job Control     imported
#   Machinery/Jobs  RuntimeError: Unknown datatype for field: … Name='OutputInfo' … in structure:OutputInformationDataType
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check asyncua==2.1.0
npm install --prefix "$dir" --silent --no-audit --no-fund node-opcua-nodesets@2.182.0

cat > "$dir/check.py" <<'END'
import asyncio
import logging
import sys
from pathlib import Path

from asyncua import Server

logging.disable(logging.CRITICAL)
FILES = {"Job Control": "opc.ua.isa95-jobcontrol.nodeset2.xml", "Machinery/Jobs": "Opc.Ua.Machinery.Jobs.Nodeset2.xml"}


async def main(folder):
    server = Server()
    await server.init()
    said = {}
    for name, file in FILES.items():
        try:
            await server.import_xml(folder / file)
            said[name] = "imported"
        except RuntimeError as error:
            said[name] = f"RuntimeError: {error}"
        print(f"{name:15} {said[name][:140]}")
    assert said["Job Control"] == "imported"
    assert "RuntimeError: Unknown datatype for field" in said["Machinery/Jobs"]
    assert "OutputInformationDataType" in said["Machinery/Jobs"]


asyncio.run(main(Path(sys.argv[1])))
END

if "$dir/venv/bin/python" "$dir/check.py" "$dir/node_modules/node-opcua-nodesets/nodesets"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
