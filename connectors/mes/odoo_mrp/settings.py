"""Settings of the Odoo MRP connector."""

from pydantic import Field

from connectors.odoo.settings import OdooConnection
from domain.production import HoldEnforcement


class OdooSettings(OdooConnection):
    """Settings of one Odoo; the user of the API key is in the group Manufacturing / User.

    Args:
        company: the id of the company whose work centres count; None means every company of the user.
        loss_reason: the external id of the loss reason of our holds. Its category is Availability or Quality, because a
            time log of another one does not block a work centre.
        enforcement: how strictly this Odoo enforces a hold; None means what its version says.
    """

    company: int | None = Field(default=None, ge=1)
    loss_reason: str = Field(default="mrp.block_reason1", pattern=r"^\w+\.[\w.-]+$")
    enforcement: HoldEnforcement | None = None
