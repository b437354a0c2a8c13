"""The work on an asset as a CMMS tells it, with the codes that people chose."""

from domain.maintenance_history import WorkKind
from domain.model import Model, Moment
from domain.vendor_texts import VendorName
from domain.work_orders import ReportedCode


class ToldWork(Model):
    """Work that a CMMS says was done on one asset.

    Args:
        record: its number, as planners know it.
        done_at: when the work was done.
        kind: why it was done.
        codes: the codes of the failure that the technician chose.
    """

    record: VendorName
    done_at: Moment
    kind: WorkKind = WorkKind.UNKNOWN
    codes: tuple[ReportedCode, ...] = ()
