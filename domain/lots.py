"""What was made on a machine, as the MES knows it."""

from domain.model import Model, Moment
from domain.vendor_texts import VendorName


class MadeLot(Model):
    """A lot, or a part with a number of its own, that was made on a machine.

    Args:
        lot: its name in the MES: a lot, batch, serial or SFC number. None if the MES names only the job that ran.
        job: the job order that made it.
        material: the product; None if the MES does not say.
        from_at: when the machine began it; None if the MES does not say.
        until_at: when the machine ended it; None while it is being made, or if the MES does not say.
    """

    lot: VendorName | None
    job: VendorName | None = None
    material: VendorName | None = None
    from_at: Moment | None = None
    until_at: Moment | None = None
