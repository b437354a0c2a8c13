"""When the order that a person has made is the order of a case: by the failure that its codes name.

A site's codes are its own. A table of its CMMS, the setting `failure_modes`, says which failure mode a code names.
"""

from collections.abc import Iterable, Mapping

from domain.model import Model, Moment
from domain.open_work import OpenOrder, OpenWorkSeen
from domain.outcomes import OutcomeClass
from domain.vendor_texts import VendorText
from domain.work_orders import FindingRole, ReportedCode, WorkOrderRecord, WorkOrderRef


class OrderAttachment(Model):
    """Why an order of a person is attached to a case.

    Args:
        record: the order as it was read just before, with the codes on it.
        failure_modes: the table of the site's codes at that time: code to failure mode (ISO 14224).
        read_at: just before the order was read.
    """

    record: WorkOrderRecord
    failure_modes: dict[str, str]
    read_at: Moment


class DetachedOrder(Model):
    """An order of a person that was attached to a case, and is no more.

    Args:
        order: its record. The same one is never attached to that case again.
        because: the reason, as the end of a sentence that begins with the order's number.
        at: when that was recorded.
    """

    order: WorkOrderRef
    because: VendorText
    at: Moment

    @property
    def words(self) -> str:
        """The order with the reason, as a sentence."""
        return f"Order {self.order.id} {self.because}."


def mode_named(codes: Iterable[ReportedCode], failure_modes: Mapping[str, str]) -> str | None:
    """The failure mode that all problem codes of an order name; None without such a code, if one of them is not in
    the table, or if they name several modes.

    Upper and lower case are the same. A code is in the table as `CODE`, or with its group as `GROUP/CODE`.
    """
    table = {code.casefold(): mode for code, mode in failure_modes.items()}
    named = set()
    for chosen in codes:
        if chosen.role is FindingRole.PROBLEM:
            code = chosen.code.casefold()
            named.add(table.get(f"{(chosen.group or '').casefold()}/{code}", table.get(code)))
    return named.pop() if len(named) == 1 else None


def same_work(seen: OpenWorkSeen, mode: str, failure_modes: Mapping[str, str]) -> OpenOrder | None:
    """The one order of a person that names a failure mode, among all that is open on the asset of a case.

    None if no order or more than one names it, and also if not all open work is known.
    """
    all_known = seen.problem is None and seen.complete and not seen.unreadable_count and seen.count == len(seen.orders)
    if not all_known:
        return None
    named = [order for order in seen.orders if not order.ref.key and mode_named(order.codes, failure_modes) == mode]
    return named[0] if len(named) == 1 else None


def open_fault(record: WorkOrderRecord, mode: str, failure_modes: Mapping[str, str]) -> str | None:
    """Why an open order is not work on a failure mode, as the end of a sentence; None if it is."""
    if mode_named(record.codes, failure_modes) == mode:
        return None
    there = ", ".join(chosen.code for chosen in record.codes if chosen.role is FindingRole.PROBLEM)
    return f"has the problem code {there} now, which does not mean {mode}" if there else "has no problem code any more"


def end_fault(record: WorkOrderRecord, mode: str, failure_modes: Mapping[str, str], found: OutcomeClass) -> str | None:
    """Why a finished order is not the end of work on a failure mode, as the end of a sentence; None if it is.

    Args:
        found: what its codes mean by the site's table of outcomes.
    """
    if record.status.not_done:
        return f"was closed without this work: it is {record.vendor_status}"
    codes = record.report.codes if record.report is not None else ()
    problems = [chosen for chosen in codes if chosen.role is FindingRole.PROBLEM]
    if found is OutcomeClass.CONFIRMED and (not problems or mode_named(problems, failure_modes) == mode):
        return None
    told = ", ".join(chosen.code for chosen in codes) or "no codes"
    return f"was closed without this finding: it was completed with {told}"
