"""Maximo's words, lean JSON of object structures `mxapiwodetail` and `mxapiasset` (IBM Maximo Manage REST API guide).

Nulls are omitted by Maximo, so everything but an order's identity may be missing. Dates are kept as read: with an
offset, or naive in the site's zone; `mapping` makes instants of them.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class FailureReportRow(_Row):
    """One node of the failure tree that the technician chose; `type` is PROBLEM, CAUSE or REMEDY."""

    failurecode: str | None = None
    type: str | None = None
    type_maxvalue: str | None = None

    @property
    def kind(self) -> str:
        return (self.type_maxvalue or self.type or "").upper()


class LaborRow(_Row):
    """Hours that a person booked."""

    laborcode: str | None = None
    regularhrs: float = 0.0


class MaterialRow(_Row):
    """Material issued to the order or returned from it; an issue is stored with a negative quantity."""

    itemnum: str | None = None
    quantity: float = 0.0
    issuetype: str | None = None
    issuetype_maxvalue: str | None = None


class WorklogRow(_Row):
    """A note on an order."""

    description: str | None = None
    description_longdescription: str | None = None
    createby: str | None = None


class StatusRow(_Row):
    """One change of an order's status."""

    status: str | None = None
    changeby: str | None = None


class WorkOrderRow(_Row):
    """An order, as far as we read it."""

    wonum: str
    siteid: str
    status: str
    status_maxvalue: str | None = None
    statusdate: datetime
    reportdate: datetime | None = None
    href: str | None = None
    rowstamp: str | None = Field(default=None, alias="_rowstamp")
    description: str | None = None
    description_longdescription: str | None = None
    assetnum: str | None = None
    wopriority: int | None = None
    externalrefid: str | None = None
    changeby: str | None = None
    actstart: datetime | None = None
    actfinish: datetime | None = None
    failurecode: str | None = None
    problemcode: str | None = None
    failurereport: tuple[FailureReportRow, ...] = ()
    labtrans: tuple[LaborRow, ...] = ()
    matusetrans: tuple[MaterialRow, ...] = ()
    worklog: tuple[WorklogRow, ...] = ()
    wostatus: tuple[StatusRow, ...] = ()

    @property
    def internal_status(self) -> str:
        """The status that means the same at every site; sites rename the other one."""
        return (self.status_maxvalue or self.status).upper()


class DowntimeRow(_Row):
    """A period for which the asset was reported down."""

    startdate: datetime | None = None
    enddate: datetime | None = None


class AssetRow(_Row):
    """An asset with its downtime."""

    assetnum: str
    siteid: str | None = None
    downtimereport: tuple[DowntimeRow, ...] = ()


class _Link(_Row):
    href: str


class _ResponseInfo(_Row):
    next_page: _Link | None = Field(default=None, alias="nextPage")


class WorkOrderPage(_Row):
    """A page of orders."""

    member: tuple[WorkOrderRow, ...]
    response_info: _ResponseInfo = Field(default=_ResponseInfo(), alias="responseInfo")

    @property
    def next_page(self) -> str | None:
        link = self.response_info.next_page
        return link.href if link else None


class AssetPage(_Row):
    """A page of assets."""

    member: tuple[AssetRow, ...]
    response_info: _ResponseInfo = Field(default=_ResponseInfo(), alias="responseInfo")


class Count(_Row):
    """The answer to `count=1`."""

    total: int = Field(alias="totalCount")


class SchemaField(_Row):
    """One attribute in a JSON schema."""

    max_length: int | None = Field(default=None, alias="maxLength")


class ObjectSchema(_Row):
    """`jsonschemas/mxapiwodetail`: which attributes there are, and how long they may be."""

    properties: dict[str, SchemaField]


class ErrorBody(_Row):
    """What stands under `Error`."""

    reason_code: str | None = Field(default=None, alias="reasonCode")
    message: str | None = None
    attribute: str | None = Field(default=None, alias="errorattrname")


class ErrorReply(_Row):
    """Maximo's error reply."""

    error: ErrorBody = Field(alias="Error")
