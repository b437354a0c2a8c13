"""Maximo's words, lean JSON of object structures `mxapiwodetail` and `mxapiasset` (IBM Maximo Manage REST API guide).

Nulls are omitted by Maximo, so everything but an order's identity may be missing. Dates are kept as read: with an
offset, or naive in the site's zone; `mapping` makes instants of them.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from connectors.rows import UnreadableRow
from domain.vendor_texts import VendorName, VendorText

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?", re.DOTALL)
_YEARS: Final = range(1970, 2200)
"""Other years stand for "no date" or for a mistake, and an instant near the year 1 or 9999 cannot be computed."""
_WIDEST_OFFSET: Final = timedelta(hours=14)
"""No time zone on Earth is farther from UTC."""


def _only_text(value: object) -> object:
    # A number would be read as seconds since 1970.
    if not isinstance(value, datetime) and not (isinstance(value, str) and _DATE.fullmatch(value)):
        raise ValueError("is no date")
    return value


def _usable(moment: datetime) -> datetime:
    if moment.year not in _YEARS:
        raise ValueError(f"has the year {moment.year:04d}, which is no date of an order")
    offset = moment.utcoffset()
    if offset is not None and abs(offset) > _WIDEST_OFFSET:
        raise ValueError("has an offset that no time zone has")
    return moment


MaximoDate = Annotated[datetime, BeforeValidator(_only_text), AfterValidator(_usable)]
Name = Annotated[VendorName, Field(min_length=1)]
Quantity = Annotated[float, Field(allow_inf_nan=False)]
Priority = Annotated[int, Field(ge=-(2**31), lt=2**31)]
"""Maximo's INTEGER."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class FailureReportRow(_Row):
    """One node of the failure tree that the technician chose; `type` is PROBLEM, CAUSE or REMEDY."""

    failurecode: VendorText | None = None
    type: VendorText | None = None
    type_maxvalue: VendorText | None = None

    @property
    def kind(self) -> str:
        return (self.type_maxvalue or self.type or "").upper()


class LaborRow(_Row):
    """Hours that a person booked."""

    laborcode: VendorText | None = None
    regularhrs: Quantity = 0.0


class MaterialRow(_Row):
    """Material issued to the order or returned from it; an issue is stored with a negative quantity."""

    itemnum: VendorText | None = None
    quantity: Quantity = 0.0
    issuetype: VendorText | None = None
    issuetype_maxvalue: VendorText | None = None


class WorklogRow(_Row):
    """A note on an order."""

    description: VendorText | None = None
    description_longdescription: VendorText | None = None
    createby: VendorText | None = None


class StatusRow(_Row):
    """One change of an order's status."""

    status: VendorText | None = None
    changeby: VendorText | None = None
    memo: VendorText | None = None


class _OrderRow(_Row):
    """What is read of every order."""

    wonum: Name
    siteid: Name
    status: Name
    status_maxvalue: VendorName | None = None
    statusdate: MaximoDate
    reportdate: MaximoDate | None = None
    href: VendorName | None = None
    description: VendorText | None = None
    externalrefid: VendorName | None = None
    failurecode: VendorText | None = None
    problemcode: VendorText | None = None
    failurereport: tuple[FailureReportRow, ...] = ()

    @property
    def internal_status(self) -> str:
        """The status that means the same at every site; sites rename the other one."""
        return (self.status_maxvalue or self.status).upper()


class OpenOrderRow(_OrderRow):
    """An order, as far as it is read to name the open work on an asset."""

    reportedby: VendorText | None = None


class CompletedOrderRow(_OrderRow):
    """An order, as far as it is read to know the work that was done on an asset."""

    assetnum: Name
    worktype: VendorName | None = None
    actfinish: MaximoDate | None = None


class WorkOrderRow(_OrderRow):
    """An order, as far as we read it."""

    rowstamp: VendorName | None = Field(default=None, alias="_rowstamp")
    description_longdescription: VendorText | None = None
    assetnum: VendorName | None = None
    wopriority: Priority | None = None
    changeby: VendorText | None = None
    targcompdate: MaximoDate | None = None
    actstart: MaximoDate | None = None
    actfinish: MaximoDate | None = None
    labtrans: tuple[LaborRow, ...] = ()
    matusetrans: tuple[MaterialRow, ...] = ()
    worklog: tuple[WorklogRow, ...] = ()
    wostatus: tuple[StatusRow, ...] = ()


class DowntimeRow(_Row):
    """A period for which the asset was reported down."""

    startdate: MaximoDate | None = None
    enddate: MaximoDate | None = None


class AssetRow(_Row):
    """An asset with its downtime."""

    assetnum: Name
    siteid: VendorName | None = None
    downtimereport: tuple[DowntimeRow, ...] = ()


class _Link(_Row):
    href: str


class _ResponseInfo(_Row):
    next_page: _Link | None = Field(default=None, alias="nextPage")


class ListedAssetRow(_Row):
    """An asset in a list of all assets."""

    assetnum: VendorName
    siteid: VendorName
    status: VendorText
    description: VendorText | None = None
    serialnum: VendorName | None = None
    parent: VendorName | None = None


class RawPage(_Row):
    """A page as it came. Its rows are read one by one, so that an unreadable one does not hide the others."""

    member: tuple[Any, ...]
    response_info: _ResponseInfo = Field(default=_ResponseInfo(), alias="responseInfo")

    @property
    def next_page(self) -> str | None:
        link = self.response_info.next_page
        return link.href if link else None


class RawRow(RootModel[Any]):
    """One record as it came."""


@dataclass(frozen=True)
class UnreadableOrder(UnreadableRow):
    """An order that cannot be read.

    Args:
        ours: whether it has our key, or a key that cannot be read.
    """

    ours: bool


class Count(_Row):
    """The answer to `count=1`."""

    total: int = Field(alias="totalCount")


class SchemaField(_Row):
    """One attribute in a JSON schema."""

    max_length: int | None = Field(default=None, alias="maxLength")
    type: str | None = None


class ObjectSchema(_Row):
    """`jsonschemas/mxapiwodetail`: which attributes there are, and how long they may be."""

    properties: dict[str, SchemaField]
    required: tuple[str, ...] = ()


class StatusChoice(_Row):
    """A status to which an order may be moved: the site's own name of it, and the internal one if it is told."""

    value: VendorText
    maxvalue: VendorText | None = None


class StatusChoices(_Row):
    """`getlist~status` of an order."""

    member: tuple[StatusChoice, ...]


class ErrorBody(_Row):
    """What stands under `Error`."""

    reason_code: VendorText | None = Field(default=None, alias="reasonCode")
    message: VendorText | None = None
    attribute: VendorText | None = Field(default=None, alias="errorattrname")


class ErrorReply(_Row):
    """Maximo's error reply."""

    error: ErrorBody = Field(alias="Error")
