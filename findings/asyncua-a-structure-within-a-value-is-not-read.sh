#!/usr/bin/env bash
# asyncua 2.1.0 with the nodesets of node-opcua-nodesets 2.182.0: a nodeset cannot be imported if a value in it is a
# structure with another structure in a field that allows subtypes.
#
# In such a field the inner structure is written as an ExtensionObject, with TypeId and Body (OPC 10000-6, the encoding
# in XML). The nodeset Machinery/Result 1.01.0 (OPC 40001-101) has such a value in its variable type ResultType:
# ResultDataType, whose field ResultMetaData allows subtypes of ResultMetaDataType.
# Expected: the value is read, as one without an inner structure is.
# Happens: a KeyError. TypeId is looked for among the fields of ResultMetaDataType.
#
# Seen:
#   Machinery/Result   KeyError: 'TypeId'
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
FIELD = '<Field Name="ResultMetaData" DataType="ResultMetaDataType" AllowSubTypes="true">'


async def main(folder):
    text = (folder / "Opc.Ua.Machinery_Result.NodeSet2.xml").read_text()
    assert FIELD in text
    server = Server()
    await server.init()
    try:
        await server.import_xml(xmlstring=text)
        said = "imported"
    except KeyError as error:
        said = f"KeyError: {error}"
    print(f"Machinery/Result   {said}")
    assert said == "KeyError: 'TypeId'"


asyncio.run(main(Path(sys.argv[1])))
END

if "$dir/venv/bin/python" "$dir/check.py" "$dir/node_modules/node-opcua-nodesets/nodesets"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
