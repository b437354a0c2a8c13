#!/usr/bin/env bash
# asyncua 2.1.0 with the nodesets of node-opcua-nodesets 2.182.0: a nodeset that requires a model without saying of
# which date cannot be imported.
#
# In UANodeSet.xsd, which that package has too, a RequiredModel must have a ModelUri; Version and PublicationDate are
# optional. The nodeset ISA95 1.00 (OPC 10030) requires the base model by its ModelUri alone.
# Expected: any version of the base model will do, so a server of asyncua imports it.
# Happens: a KeyError for PublicationDate. With the attribute written into a copy of the file, it is imported.
#
# Seen:
#   as it is      KeyError: 'PublicationDate'
#   with a date   imported
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
REQUIRED = '<RequiredModel ModelUri="http://opcfoundation.org/UA/" />'


async def said(text):
    server = Server()
    await server.init()
    try:
        await server.import_xml(xmlstring=text)
    except KeyError as error:
        return f"KeyError: {error}"
    return "imported"


async def main(folder):
    schema = (folder / "UANodeSet.xsd").read_text()
    assert '<xs:attribute name="PublicationDate" type="xs:dateTime" />' in schema
    text = (folder / "Opc.ISA95.NodeSet2.xml").read_text()
    assert text.count(REQUIRED) == 1
    dated = text.replace(REQUIRED, REQUIRED.replace("/>", 'Version="1.02" PublicationDate="2013-03-06T00:00:00Z" />'))
    found = {"as it is": await said(text), "with a date": await said(dated)}
    for name, result in found.items():
        print(f"{name:13} {result}")
    assert found == {"as it is": "KeyError: 'PublicationDate'", "with a date": "imported"}


asyncio.run(main(Path(sys.argv[1])))
END

if "$dir/venv/bin/python" "$dir/check.py" "$dir/node_modules/node-opcua-nodesets/nodesets"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
