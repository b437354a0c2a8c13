"""The work on assets is read batch by batch, and what could not be read is unknown."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from activities import maintenance_histories
from activities.maintenance_histories import WorkReading
from domain.cmms import CmmsCapabilities
from domain.completed_work import ToldWork
from domain.errors import ActionRequired, ConnectorError, Unavailable
from domain.maintenance_history import HISTORY, MOST_WORK, CmmsAsset, HistoryAsset, MaintenanceHistory, WorkKind
from domain.work_orders import FindingRole, ReportedCode
from tests.support.cmms import ABLE
from tests.support.plant import START, TestClock

DAY = timedelta(days=1)
MACHINE = CmmsAsset("M1", {})


def failed(kind: type[ConnectorError]) -> ConnectorError:
    return kind("it does not want to", system="fake", operation="completed-work")


class Histories:
    """Storage in memory."""

    def __init__(self, *assets: HistoryAsset) -> None:
        self.assets = assets
        self.said: dict[str, MaintenanceHistory] = {}

    async def due(self, system: str, read_before: datetime, limit: int) -> Sequence[HistoryAsset]:
        del system
        read = {asset for asset, each in self.said.items() if each.read_at > read_before}
        return [each for each in self.assets if each.asset not in read][:limit]

    async def record_reading(self, system: str, read_at: datetime, said: Mapping[str, MaintenanceHistory]) -> None:
        del system, read_at
        self.said |= said


class Lister:
    """A CMMS that lists work."""

    capabilities: CmmsCapabilities = ABLE.model_copy(update={"failure_modes": {"NOISE": "NOI"}})

    def __init__(self, **work: Sequence[ToldWork] | None) -> None:
        self.work = work
        self.asked: list[tuple[str, ...]] = []
        self.sign_in: ConnectorError | None = None
        self.refused: set[str] = set()
        self.slow: set[str] = set()

    async def check(self) -> str:
        if self.sign_in is not None:
            raise self.sign_in
        return "fake"

    async def completed_work(self, assets: Sequence[CmmsAsset], since: datetime) -> Sequence[Sequence[ToldWork] | None]:
        assert since == START - HISTORY
        self.asked.append(tuple(asset.external_id for asset in assets))
        if self.sign_in is not None:
            raise self.sign_in
        if self.refused.intersection(self.asked[-1]):
            raise failed(ActionRequired)
        if self.slow.intersection(self.asked[-1]):
            await asyncio.Event().wait()
        return [self.work.get(asset.external_id, ()) for asset in assets]


def told(number: str, hours_ago: float = 1, code: str | None = None) -> ToldWork:
    codes = () if code is None else (ReportedCode(role=FindingRole.PROBLEM, code=code),)
    done_at = START - timedelta(hours=hours_ago)
    return ToldWork(record=number, done_at=done_at, kind=WorkKind.CORRECTIVE, codes=codes)


def component(number: int, *, of_machine: bool = False) -> HistoryAsset:
    return HistoryAsset(f"c{number}", [CmmsAsset(f"C{number}", {}), *([MACHINE] if of_machine else [])])


def reading(histories: Histories, cmms: object, interval: timedelta | None = DAY) -> WorkReading:
    return WorkReading(histories, {"fake": cmms}, TestClock(), interval)  # type: ignore[dict-item]  # only what is asked of it


async def test_work_on_the_machine_is_work_on_its_components_and_codes_name_the_fault() -> None:
    cmms = Lister(C1=[told("1", 3, "NOISE"), told("2", 2, "OTHER")], M1=[told("3", 1)])
    histories = Histories(component(1, of_machine=True), component(2))
    assert await reading(histories, cmms).go_on("fake") is None
    of_first = [(each.record, each.failure_mode) for each in histories.said["c1"].work]
    assert of_first == [("3", None), ("2", None), ("1", "NOI")]
    assert histories.said["c2"] == MaintenanceHistory(read_at=START)
    assert cmms.asked == [("C1", "M1", "C2")]


async def test_an_asset_with_a_record_that_cannot_be_read_is_unknown() -> None:
    histories = Histories(component(1, of_machine=True), component(2))
    await reading(histories, Lister(M1=None, C1=[told("1")])).go_on("fake")
    assert {asset: each.complete for asset, each in histories.said.items()} == {"c1": False, "c2": True}


async def test_the_newest_work_is_kept() -> None:
    histories = Histories(component(1))
    await reading(histories, Lister(C1=[told(f"{number}", number) for number in range(1, 100)])).go_on("fake")
    kept = [int(each.record) for each in histories.said["c1"].work]
    assert kept == list(range(1, MOST_WORK + 1))


async def test_an_asset_that_cannot_be_asked_for_hides_no_other() -> None:
    cmms = Lister(C1=[told("1")], C2=[told("2")])
    cmms.refused = {"C2"}
    histories = Histories(component(1), component(2))
    assert await reading(histories, cmms).go_on("fake") is None
    assert {asset: each.complete for asset, each in histories.said.items()} == {"c1": True, "c2": False}


async def test_assets_that_are_asked_for_alone_are_kept_one_by_one_until_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maintenance_histories, "_BEGINS_FOR", -1.0)
    cmms = Lister()
    cmms.refused = {"C1"}
    histories = Histories(component(1), component(2), component(3))
    work = reading(histories, cmms)
    assert await work.go_on("fake") == timedelta(minutes=1)
    assert {asset: each.complete for asset, each in histories.said.items()} == {"c1": False}
    assert await work.go_on("fake") == timedelta(minutes=1)
    assert cmms.asked == [("C1", "C2", "C3"), ("C1",), ("C2", "C3")]
    assert len(histories.said) == 3


async def test_what_was_read_is_kept_if_the_cmms_stops_to_answer() -> None:
    class Ending(Lister):
        async def completed_work(
            self, assets: Sequence[CmmsAsset], since: datetime
        ) -> Sequence[Sequence[ToldWork] | None]:
            if len(self.asked) == 3:
                raise failed(Unavailable)
            return await super().completed_work(assets, since)

    cmms = Ending()
    cmms.refused = {"C3"}
    histories = Histories(component(1), component(2), component(3))
    assert await reading(histories, cmms).go_on("fake") == timedelta(minutes=5)
    assert set(histories.said) == {"c1", "c2"}


async def test_an_asset_whose_work_is_told_too_slowly_is_unknown_and_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maintenance_histories, "_ANSWERED_WITHIN", 0.01)
    cmms = Lister()
    cmms.slow = {"C2"}
    histories = Histories(component(1), component(2), component(3))
    assert await reading(histories, cmms).go_on("fake") is None
    assert {asset: each.complete for asset, each in histories.said.items()} == {"c1": True, "c2": False, "c3": True}


@pytest.mark.parametrize(
    "error",
    [failed(Unavailable), failed(ActionRequired)],
    ids=["no answer", "no sign-in"],
)
async def test_a_cmms_that_does_not_answer_or_let_us_in_makes_nothing_unknown(error: ConnectorError) -> None:
    cmms = Lister()
    cmms.sign_in = error
    histories = Histories(component(1))
    assert await reading(histories, cmms).go_on("fake") == timedelta(minutes=5)
    assert histories.said == {}


async def test_many_assets_are_read_in_batches_and_it_rests_after_some() -> None:
    cmms = Lister()
    histories = Histories(*map(component, range(250)))
    work = reading(histories, cmms)
    assert await work.go_on("fake") == timedelta(minutes=1)
    assert [len(asked) for asked in cmms.asked] == [40] * 5
    assert await work.go_on("fake") is None
    assert len(histories.said) == 250


async def test_without_an_interval_or_a_list_of_work_nothing_is_asked() -> None:
    histories = Histories(component(1))
    cmms = Lister()
    assert await reading(histories, cmms, None).go_on("fake") is None
    assert await reading(histories, object()).go_on("fake") is None
    assert (cmms.asked, histories.said) == ([], {})
