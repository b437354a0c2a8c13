"""The evidence of a case as files on its order: a table of all observations, and a chart of the signal seen most."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from temporalio import activity

from activities.progress import called_off
from domain.cases import CaseView, Observation
from domain.casework import CaseStore
from domain.errors import ActionRequired, Refused
from domain.order_files import ChartLine, EvidenceChart, FileKeeper, ObservationStore, OrderFile
from domain.ports import Cmms
from domain.wording import Wording, message
from domain.work_orders import WorkOrderRecord

_COLUMNS = (
    message("time (UTC)"),
    message("detected by"),
    message("signal"),
    message("value"),
    message("baseline"),
    message("unit"),
    message("standard errors"),
    message("error code"),
)
_BEGINS_WITH_A_MINUS = re.compile(r"-(?!\d)")
_CHART_NEEDS = 2
"""Minimum number of values in a chart."""


class OrderFiles:
    """Attaches the evidence to orders in each CMMS whose connector can.

    Args:
        cases: where it is kept that an order has its files.
        observations: those of the faults.
        cmms: by the id of each instance.
        chart: draws.
    """

    def __init__(
        self, cases: CaseStore, observations: ObservationStore, cmms: Mapping[str, Cmms], chart: EvidenceChart
    ) -> None:
        self._cases = cases
        self._observations = observations
        self._cmms = cmms
        self._chart = chart

    def wanted(self, view: CaseView, order: WorkOrderRecord) -> bool:
        """Whether the order of a case is to get its files. An order of an earlier build gets them too, and the order of
        a person never: only notes are written on it."""
        able = isinstance(self._cmms.get(order.ref.system), FileKeeper) and not order.of_a_person
        return able and not order.status.finished and called_off(view) is None and _key(view) not in view.order_notes

    async def attach(self, view: CaseView, order: WorkOrderRecord, say: Wording) -> None:
        """Attaches the files once. A CMMS that refuses them gets none: no order waits for a file.

        Raises:
            Unavailable: the CMMS does not answer. The step is tried again.
        """
        keeper: object = self._cmms.get(order.ref.system)
        if not isinstance(keeper, FileKeeper) or not self.wanted(view, order):
            return
        observed = await self._observations.of_case(view.id)
        files = [OrderFile(key=_key(view), name=f"{view.id}.csv", media_type="text/csv", content=table(observed, say))]
        line = chart_line(observed, view.draft.summary if view.draft is not None else view.id, say)
        if line is not None:
            content = await self._chart.draw(line)
            files.append(
                OrderFile(key=f"{view.id}-chart", name=f"{view.id}.png", media_type="image/png", content=content)
            )
        try:
            for file in files:
                await keeper.attach_file(order.ref, file)
        except (ActionRequired, Refused) as error:
            activity.logger.warning("the evidence of case %s is not attached to its order: %s", view.id, error)
            words = f"The evidence could not be attached: {error.problem}"
        else:
            names = " and ".join(file.name for file in files)
            words = f"The evidence is attached as {names}: {len(observed)} observations."
        await self._cases.record_order_note(view.id, _key(view), words)


def table(observed: Sequence[Observation], say: Wording) -> bytes:
    """The observations as CSV in UTF-8, oldest first, as the spreadsheets of the language read it."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=say.list_mark, lineterminator="\r\n")
    writer.writerow([say(column) for column in _COLUMNS])
    for each in observed:
        numbers = (each.value, each.baseline, each.score)
        value, baseline, score = ("" if number is None else say.plain_number(number, 3) for number in numbers)
        row = (f"{each.at:%Y-%m-%d %H:%M:%S}", each.detector, each.signal, value, baseline, each.unit, score, each.code)
        writer.writerow([_no_formula(cell) for cell in row])
    # Without the mark, spreadsheets take UTF-8 for another encoding.
    return text.getvalue().encode("utf-8-sig")


def chart_line(observed: Sequence[Observation], title: str, say: Wording) -> ChartLine | None:
    """The values of the signal that was seen most, for a chart; None if there are too few."""
    seen = [each for each in observed if each.signal is not None and each.value is not None]
    if not seen:
        return None
    (signal, count), *_ = Counter(each.signal for each in seen).most_common(1)
    if count < _CHART_NEEDS:
        return None
    shown = sorted((each for each in seen if each.signal == signal), key=lambda each: each.at)
    unit = next((each.unit for each in shown if each.unit), None)
    return ChartLine(
        title=title,
        time_label=say(_COLUMNS[0]),
        value_label=f"{signal} ({unit})" if unit else str(signal),
        value_name=say(_COLUMNS[3]),
        baseline_name=say(_COLUMNS[4]),
        decimal_mark=say.decimal_mark,
        at=tuple(each.at for each in shown),
        values=tuple(each.value for each in shown if each.value is not None),
        baselines=tuple(each.baseline for each in shown),
    )


def _no_formula(cell: str | None) -> str:
    """A sender's word that no spreadsheet takes for a formula."""
    text = cell or ""
    return f"'{text}" if text[:1] in ("=", "+", "@", "\t", "\r") or _BEGINS_WITH_A_MINUS.match(text) else text


def _key(view: CaseView) -> str:
    return f"{view.id}-evidence"
