"""The records of MaintainX, as far as we read them."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from connectors.json_reading import ZonedDate
from domain.vendor_texts import VendorName, VendorText


def _assigned(value: object) -> object:
    """To whom an order is given, by kind and id. What else is told of them may be another with each answer."""
    rows = value if isinstance(value, list) else []
    return tuple(f"{row.get('type')} {row.get('id')}" for row in rows if isinstance(row, dict))


MaintainXId = Annotated[int, Field(gt=0, lt=2**63, strict=True)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class MaintainXListed(_Row):
    """An order in a list. It has neither our key nor its asset, so the order is read by its id."""

    id: MaintainXId
    sequentialId: MaintainXId | None = None  # noqa: N815
    createdAt: ZonedDate | None = None  # noqa: N815
    updatedAt: ZonedDate  # noqa: N815
    title: VendorText | None = None
    status: VendorText | None = None
    subStatus: VendorText | None = None  # noqa: N815
    priority: VendorText | None = None
    assignees: Annotated[tuple[VendorText, ...], BeforeValidator(_assigned)] = ()

    @property
    def number(self) -> str:
        """The number that people see."""
        return str(self.sequentialId or self.id)

    @property
    def version(self) -> str:
        """What differs once somebody has changed it, as far as a list tells it."""
        return f"{self.id}/{self.updatedAt.isoformat()}/{self.title}/{self.status}/{self.priority}/{self.assignees}"


class MaintainXOrder(_Row):
    """A work order by itself. Our key is in its external data and in its title.

    The lists are empty on an order on which nobody has worked. Of those, only that is read: the contract does not say
    what is in them.
    """

    id: MaintainXId
    sequentialId: MaintainXId | None = None  # noqa: N815
    title: VendorName
    description: VendorText | None = None
    status: Annotated[VendorName, Field(min_length=1)]
    subStatus: VendorText | None = None  # noqa: N815
    priority: VendorText | None = None
    assetId: MaintainXId | None = None  # noqa: N815
    dueDate: Any = None  # noqa: N815
    externalData: Any = None  # noqa: N815
    extraFields: Any = None  # noqa: N815
    completedAt: ZonedDate | None = None  # noqa: N815
    createdAt: ZonedDate  # noqa: N815
    updatedAt: ZonedDate  # noqa: N815
    progress: Any = None
    assignees: Any = None
    parts: Any = None
    times: Any = None
    timeItems: Any = None  # noqa: N815
    expenditures: Any = None

    @property
    def number(self) -> str:
        """The number that people see."""
        return str(self.sequentialId or self.id)


class MaintainXLink(_Row):
    """A record that another one refers to, or that is in a list."""

    id: MaintainXId


class MaintainXCompleted(MaintainXListed):
    """An order in a list of completed ones, with its asset.

    Args:
        deletedAt: set if it was deleted.
        type: `REACTIVE`, `PREVENTIVE` or another; old orders have none.
    """

    completedAt: ZonedDate | None = None  # noqa: N815
    deletedAt: ZonedDate | None = None  # noqa: N815
    type: VendorText | None = None
    asset: MaintainXLink


class MaintainXMark(_Row):
    """What we write into the external data of an order.

    Args:
        millwright: our key.
        written: the digest of what we wrote, by which a change of others shows.
    """

    millwright: VendorName
    written: VendorText


class MaintainXCreated(_Row):
    """The answer to a creation, which says nothing else."""

    id: MaintainXId


class MaintainXPage(_Row):
    """A page as it came. Its rows are read one by one, so that an unreadable one does not hide the others."""

    workOrders: tuple[Any, ...]  # noqa: N815
    nextCursor: VendorText | None = None  # noqa: N815


class MaintainXAssetPage(_Row):
    """A page of assets. Of each only the id is read."""

    assets: tuple[MaintainXLink, ...]
    nextCursor: VendorText | None = None  # noqa: N815


class MaintainXAnyJson(RootModel[Any]):
    """An answer of any shape that is JSON."""


class MaintainXSingle(_Row):
    """One order as it came."""

    workOrder: dict[str, Any]  # noqa: N815


class MaintainXFieldFault(_Row):
    """What is wrong with a field of a request."""

    error: VendorText = ""
    fieldPath: VendorText | None = None  # noqa: N815


class MaintainXErrorReply(_Row):
    """An error, in either of the two shapes."""

    error: VendorText | None = None
    errors: tuple[MaintainXFieldFault, ...] = ()
