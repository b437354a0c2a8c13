"""A work order as the plant's people see it."""

from dataclasses import dataclass
from datetime import datetime

from sandbox.maximo.mbo import Mbo
from sandbox.maximo.statuses import StatusDomain


@dataclass(frozen=True)
class WorkOrderView:
    """One work order; texts are empty and dates None where Maximo holds a null. Dates are aware UTC, whole seconds.

    `status` is the site's name, `internal_status` Maximo's own.
    """

    wonum: str
    workorderid: int
    assetnum: str
    location: str
    description: str
    long_description: str
    externalrefid: str
    worktype: str
    wopriority: int | None
    reportedby: str
    status: str
    internal_status: str
    statusdate: datetime | None
    reportdate: datetime | None
    actstart: datetime | None
    actfinish: datetime | None
    failurecode: str
    problem: str
    cause: str
    remedy: str


def view(mbo: Mbo, domain: StatusDomain) -> WorkOrderView:
    """The view of one WORKORDER record."""
    codes = {row.text("type"): row.text("failurecode") for row in mbo.children.get("failurereport", [])}
    priority = mbo.attributes.get("wopriority")
    return WorkOrderView(
        wonum=mbo.text("wonum"),
        workorderid=int(mbo.text("workorderid")),
        assetnum=mbo.text("assetnum"),
        location=mbo.text("location"),
        description=mbo.text("description"),
        long_description=mbo.text("description_longdescription"),
        externalrefid=mbo.text("externalrefid"),
        worktype=mbo.text("worktype"),
        wopriority=priority if isinstance(priority, int) else None,
        reportedby=mbo.text("reportedby"),
        status=mbo.text("status"),
        internal_status=domain.internal_or_same(mbo.text("status")),
        statusdate=_second(mbo, "statusdate"),
        reportdate=_second(mbo, "reportdate"),
        actstart=_second(mbo, "actstart"),
        actfinish=_second(mbo, "actfinish"),
        failurecode=mbo.text("failurecode"),
        problem=codes.get("PROBLEM", ""),
        cause=codes.get("CAUSE", ""),
        remedy=codes.get("REMEDY", ""),
    )


def _second(mbo: Mbo, name: str) -> datetime | None:
    value = mbo.attributes.get(name)
    return value.replace(microsecond=0) if isinstance(value, datetime) else None
