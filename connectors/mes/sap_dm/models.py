"""What SAP Digital Manufacturing answers (SFC v1 and v2, Resource v2 and v3), as far as we read it.

No field of an answer is required there. A row without what we need is unreadable, and hides no other.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    RootModel,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from connectors.rows import Rows, read_each
from domain.vendor_texts import VendorName, VendorText

_YEARS: Final = range(1970, 2200)
"""Other years stand for "no date" or for a mistake, and an instant near the year 1 or 9999 cannot be computed."""


def _moment(value: object) -> object:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("is no date and time")
    if moment.tzinfo is None:
        raise ValueError("has no offset from UTC")
    if moment.year not in _YEARS:
        raise ValueError(f"has the year {moment.year:04d}, which is a mistake")
    return moment.astimezone(UTC)


Instant = Annotated[datetime | None, BeforeValidator(_moment)]
Quantity = Annotated[float | None, Field(strict=True, ge=0, allow_inf_nan=False)]
Name = Annotated[VendorName, Field(min_length=1)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)

    spare: ClassVar[frozenset[str]] = frozenset()
    """The fields, by their names there, without which a row is still of use. One that cannot be read is left out."""

    left_out: tuple[str, ...] = ()
    """The names of the fields that could not be read."""

    @model_validator(mode="wrap")
    @classmethod
    def _leaves_out_what_it_can_spare(cls, content: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(content)
        except ValidationError as error:
            odd = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
            if not isinstance(content, dict) or not odd or not odd <= cls.spare:
                raise
            kept = {name: value for name, value in content.items() if name not in odd}
            return handler({**kept, "leftOut": tuple(sorted(odd))})


class Status(_Row):
    """The status of an SFC. The word is in `description`; the code is a number."""

    description: VendorText


class SfcInWork(_Row):
    """A row of `sfcsInWork`."""

    sfc: Name


class RoutingStep(_Row):
    """A step of an SFC's routing. `resource` is where it is in work."""

    spare = frozenset(
        {
            "quantityInQueue",
            "quantityInWork",
            "operationScheduledStartDateTime",
            "operationScheduledCompleteDateTime",
        }
    )

    resource: VendorText | None = None
    quantity_in_queue: Quantity = None
    quantity_in_work: Quantity = None
    operation_scheduled_start_date_time: Instant = None
    operation_scheduled_complete_date_time: Instant = None


class Order(_Row):
    """The order of an SFC."""

    spare = frozenset({"orderPlannedStartDateTime", "orderPlannedCompleteDateTime", "batchNumber"})

    order: VendorName | None = None
    order_planned_start_date_time: Instant = None
    order_planned_complete_date_time: Instant = None
    batch_number: VendorName | None = None


class Sfc(_Row):
    """The answer of `sfcdetail`. An SFC is what is made: one part, or a lot."""

    spare = frozenset({"order", "defaultBatchId", "steps"})

    sfc: Name
    status: Status
    order: Order | None = None
    default_batch_id: VendorName | None = None
    steps: tuple[RoutingStep, ...] | None = None


class ListedSfc(_Row):
    """A row of the work list."""

    spare = frozenset({"order", "orderScheduledStartDateTime", "orderScheduledCompleteDateTime", "defaultBatchId"})

    sfc: Name
    status: Status
    order: VendorName | None = None
    order_scheduled_start_date_time: Instant = None
    order_scheduled_complete_date_time: Instant = None
    default_batch_id: VendorName | None = None


class Shift(_Row):
    """A shift that is assigned to a resource, and for which time."""

    valid_from: Instant = None
    valid_to: Instant = None


class Resource(_Row):
    """The answer of `resource`: a machine. Without `resource` there is none."""

    spare = frozenset({"shifts"})

    plant: VendorName | None = None
    resource: VendorName | None = None
    status: VendorText | None = None
    shifts: tuple[Shift, ...] | None = None


RowT = TypeVar("RowT", bound=_Row)


def read_rows(contents: Sequence[object], model: type[RowT], first: int = 1) -> Rows[RowT]:
    """The rows of an answer.

    Args:
        first: the number of the first row, as people read it.
    """
    return read_each(contents, model.model_validate, _name, first)


def _name(content: object, place: int) -> str:
    sfc = content.get("sfc") if isinstance(content, dict) else None
    return f"SFC {sfc}" if isinstance(sfc, str) and sfc else f"row {place}"


class RawList(RootModel[list[Any]]):
    """The rows of an answer as they came."""


class ListPage(_Row):
    """A page of an answer."""

    content: list[Any] = []
    total_pages: Annotated[int, Field(strict=True, ge=0)] = 1
    total_elements: Annotated[int, Field(strict=True, ge=0)] | None = None


class HeldSfcs(_Row):
    """The answer of `hold`: an id for each SFC that it put on hold."""

    hold_ids: tuple[VendorText, ...] = ()
