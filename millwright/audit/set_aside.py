"""Reads the events again that the watch set aside: whether it could judge them."""

from pydantic import ValidationError

from domain.anomaly import Anomaly
from domain.ports import Judge
from domain.verdict import Context, Memory
from millwright.audit.offline_register import AssetsThen
from millwright.audit.report import Findings
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import ActRow, SetAsideRow

_KINDS = ("event-quarantined", "event-unmapped")


class SetAside:
    """Names each event that the watch set aside, and that can be read and judged, unless somebody took it up since.

    An event whose asset was not in the register stays set aside, and one on which a version fails.

    Args:
        record: the record.
        judge: the judging function, with the stored versions.
        versions: their digests.
        assets: gives what was known of assets, from all acts before.
        findings: collects the findings.
    """

    def __init__(
        self, record: Record, judge: Judge, versions: frozenset[str], assets: AssetsThen, findings: Findings
    ) -> None:
        self._record = record
        self._judge = judge
        self._versions = versions
        self._assets = assets
        self._findings = findings

    async def check(self, act: ActRow) -> None:
        """Checks an act, if it is one by which the watch set an event aside."""
        if act.kind not in _KINDS or act.actor != "watch":
            return
        event = await self._record.set_aside(act)
        if event is None or not self._assets.present(event.asset, act.ledger_seq):
            return
        told = self._assets.told(event.asset)
        if told is not None and await self._is_judged(event, Context.model_validate(told), act):
            where = f"event {event.source}|{event.external_id}"
            self._findings.add("event", where, "was set aside as one that cannot be judged, and it can: redrive it")

    async def _is_judged(self, event: SetAsideRow, context: Context, act: ActRow) -> bool:
        try:
            anomaly = Anomaly.model_validate_json(event.anomaly)
        except ValidationError:
            return False
        for version in sorted(self._versions):
            place = (version, event.asset, event.failure_mode, event.at, event.position, act.ledger_seq, act.leaf)
            memory = Memory.model_validate_json(await self._record.left_before(*place))
            try:
                self._judge.judge(version, memory, anomaly, context)
            except Exception:  # noqa: BLE001 - judging sets an event aside whatever fails
                return False
        return True
