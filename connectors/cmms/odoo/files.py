"""Attaches a file to a request of Odoo, once."""

from connectors.call import Call
from connectors.cmms.odoo import mapping
from connectors.cmms.odoo.client import OdooMaintenanceClient
from connectors.odoo.wire import OdooRaceLost
from domain.errors import ActionRequired
from domain.order_files import OrderFile


async def attach(client: OdooMaintenanceClient, call: Call, request: int, key: str, file: OrderFile) -> None:
    """Attaches a file, unless it is there, and reads it back.

    Args:
        request: the id of the request.
        key: the key of its case.

    Raises:
        ActionRequired: it is not there as it was sent.
    """
    external_id = mapping.file_external_id(key, file.key)
    if await client.file(call, request, external_id) is not None:
        return
    try:
        await client.add_file(call, mapping.file_values(request, key, file))
    except OdooRaceLost:
        if await client.file(call, request, external_id) is None:
            raise
        return
    there = await client.file(call, request, external_id)
    if there is None or there.checksum != mapping.checksum_of(file):
        raise call.error(ActionRequired, f"the file {file.name} is not there as it was sent", field="ir.attachment")
