"""Files on an order for the people who work on it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from domain.cases import Observation
from domain.model import Model, Moment
from domain.work_orders import WorkOrderRef


class OrderFile(Model):
    """A file that is attached to an order.

    Args:
        key: by which the order has it once.
        name: as people see it, with its ending.
        media_type: such as `image/png`.
        content: at most some hundred kilobytes.
    """

    key: str
    name: str
    media_type: str
    content: bytes


@runtime_checkable
class FileKeeper(Protocol):
    """What a connector to a CMMS may offer besides `Cmms`, if the vendor's contract says how an order has files."""

    async def attach_file(self, ref: WorkOrderRef, file: OrderFile) -> None:
        """Attaches a file once, and reads it back: if one with the same key is there, nothing changes.

        Raises:
            ActionRequired: the order is gone, our user may not attach files, or the file there has another content.
        """
        ...


class ObservationStore(Protocol):
    """The observations in storage."""

    async def of_case(self, case: str) -> Sequence[Observation]:
        """The observations of a case's fault, oldest first: from seven days before the first event of the case until
        its last one, also those that asked for nothing. Of many it is the newest five thousand.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        ...


class ChartLine(Model):
    """The values of one signal over time, with all words of the chart.

    Args:
        value_name: what the line of the values is called; `baseline_name` is that of their baselines.
        decimal_mark: what stands before the decimals of a number.
        at: the times, ascending; `values` and `baselines` have one for each.
    """

    title: str
    time_label: str
    value_label: str
    value_name: str
    baseline_name: str
    decimal_mark: str
    at: tuple[Moment, ...]
    values: tuple[float, ...]
    baselines: tuple[float | None, ...]


class EvidenceChart(Protocol):
    """Draws charts."""

    async def draw(self, line: ChartLine) -> bytes:
        """The chart as a PNG image; the same one each time."""
        ...
