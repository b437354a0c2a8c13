"""Whether a request of Odoo has the key of a case: by its external id, which proves it."""

from connectors.call import Call
from connectors.cmms.odoo import mapping
from connectors.cmms.odoo.mapping import RequestDetails
from connectors.cmms.odoo.models import MaintenanceRequest
from connectors.cmms.odoo.text import key_in_html
from domain.errors import ActionRequired


def check_key(call: Call, request: MaintenanceRequest, details: RequestDetails, key: str) -> None:
    """Refuses a request that is not proved to be the one of a key, or that is ours though its key is empty.

    Raises:
        ActionRequired: it has another key, or none.
    """
    proved = details.key(request)
    found = proved or key_in_html(request.description)
    if not key and (found or details.is_own(request)):
        has = f"has the key {found}" if found else "was created by our user"
        words = f"request {request.id} {has}, though it is of a person"
        raise call.error(ActionRequired, words, field="external id")
    if key and proved != key:
        has = f"has the external id of {proved}" if proved else "has no external id of ours any more"
        raise call.error(
            ActionRequired,
            f"request {request.id} {has}; give it the external id {mapping.external_id(key)} again, or remove "
            "the key from its description",
            field="external id",
        )
