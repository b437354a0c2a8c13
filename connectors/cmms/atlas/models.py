"""The records of Atlas, as far as we read them (recordings of 1.3.0 and of d4ce8ef9; requests: its source code)."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from connectors.json_reading import ZonedDate
from domain.vendor_texts import VendorName, VendorText

AtlasId = Annotated[int, Field(gt=0, lt=2**63, strict=True)]
Quantity = Annotated[float, Field(allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AtlasToken(_Row):
    """The answer to a sign-in; 1.3 gives nothing else, later versions a refresh token that we do not use."""

    accessToken: str = Field(min_length=1)  # noqa: N815


class AtlasRole(_Row):
    """What a user may do: kinds of record, by what may be done with them. None is not told."""

    code: VendorText | None = None
    createPermissions: frozenset[VendorText] | None = None  # noqa: N815
    viewPermissions: frozenset[VendorText] | None = None  # noqa: N815
    viewOtherPermissions: frozenset[VendorText] | None = None  # noqa: N815
    editOtherPermissions: frozenset[VendorText] | None = None  # noqa: N815


class AtlasAccount(_Row):
    """The user as whom we sign in."""

    id: AtlasId
    role: AtlasRole | None = None


class AtlasUser(_Row):
    """A user, as a record names one."""

    id: AtlasId
    firstName: VendorText | None = None  # noqa: N815
    lastName: VendorText | None = None  # noqa: N815

    @property
    def name(self) -> str:
        """By what people know the user."""
        return " ".join(part for part in (self.firstName, self.lastName) if part) or str(self.id)


class AtlasLink(_Row):
    """A record that another one refers to."""

    id: AtlasId


class AtlasAsset(_Row):
    """An asset."""

    id: AtlasId
    archived: bool = False
    location: AtlasLink | None = None
    barCode: VendorName | None = None  # noqa: N815
    customId: VendorName | None = None  # noqa: N815
    serialNumber: VendorName | None = None  # noqa: N815
    name: VendorName | None = None


class AtlasListedAsset(AtlasAsset):
    """An asset in a list of all assets."""

    parentAsset: AtlasLink | None = None  # noqa: N815


class AtlasParent(_Row):
    """The request from which an order was made, or the order that was made from a request, as the other names it."""

    id: AtlasId
    customId: VendorName | None = None  # noqa: N815
    title: VendorName | None = None


class _FieldLabel(_Row):
    label: VendorText


class AtlasFieldValue(_Row):
    """The value of a custom field."""

    customField: _FieldLabel  # noqa: N815
    value: VendorText | None = None


class _RequestOrOrder(_Row):
    """What orders and requests have in common.

    Our key is in the title. So a title that cannot be kept makes the record unreadable.
    """

    id: AtlasId
    customId: VendorName | None = None  # noqa: N815
    createdBy: AtlasId | None = None  # noqa: N815
    updatedBy: AtlasId | None = None  # noqa: N815
    createdAt: ZonedDate  # noqa: N815
    updatedAt: ZonedDate  # noqa: N815
    title: VendorName
    description: VendorText | None = None
    priority: VendorText | None = None
    dueDate: Any = None  # noqa: N815
    asset: AtlasAsset | None = None

    @property
    def number(self) -> str:
        """The number that people see. Records of versions before it have only their id."""
        return self.customId or str(self.id)


class AtlasRequest(_RequestOrOrder):
    """A request, which waits for its approval."""

    cancelled: bool = False
    cancellationReason: VendorText | None = None  # noqa: N815
    workOrder: AtlasParent | None = None  # noqa: N815

    @property
    def stamp(self) -> tuple[object, ...]:
        """What differs once somebody has changed it."""
        return self.updatedAt, self.updatedBy, self.cancelled, self.workOrder and self.workOrder.id


class AtlasOrder(_RequestOrOrder):
    """A work order."""

    status: Annotated[VendorName, Field(min_length=1)]
    archived: bool = False
    parentRequest: AtlasParent | None = None  # noqa: N815
    parentPreventiveMaintenance: Any = None  # noqa: N815
    completedOn: ZonedDate | None = None  # noqa: N815
    estimatedStartDate: ZonedDate | None = None  # noqa: N815
    feedback: VendorText | None = None
    customFieldValues: tuple[AtlasFieldValue, ...] = ()  # noqa: N815

    @property
    def stamp(self) -> tuple[object, ...]:
        """What differs once somebody has changed it."""
        return self.updatedAt, self.updatedBy, self.status, self.archived


class AtlasComment(_Row):
    """A comment on an order. `system` marks what Atlas itself says of the order's history."""

    user: AtlasUser | None = None
    content: VendorText | None = None
    system: bool = False
    createdAt: ZonedDate | None = None  # noqa: N815


class AtlasLabor(_Row):
    """Time that a person worked, in seconds."""

    assignedTo: AtlasUser | None = None  # noqa: N815
    duration: Quantity = 0.0
    startedAt: ZonedDate | None = None  # noqa: N815


class _Part(_Row):
    id: AtlasId
    name: VendorText | None = None


class AtlasPartUse(_Row):
    """A part that was used, and how many."""

    part: _Part
    quantity: Quantity = 0.0


class AtlasPage(_Row):
    """A page as it came. Its rows are read one by one, so that an unreadable one does not hide the others."""

    content: tuple[Any, ...]
    last: bool
    totalElements: int | None = None  # noqa: N815


class AtlasContent(RootModel[dict[str, Any]]):
    """One record as it came."""


class AtlasList(RootModel[tuple[Any, ...]]):
    """A list as it came."""


class AtlasErrorReply(_Row):
    """An error. Without a `success` and with a `path` it means that there is no such address."""

    message: VendorText | None = None
    error: VendorText | None = None
    path: VendorText | None = None
