"""The CMMS of the sandbox plant as a whole: REST for machines, plain methods for the plant's people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path

from starlette.types import ASGIApp

from sandbox import naming
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.http_server import HttpServer
from sandbox.maximo.actuals import Actuals
from sandbox.maximo.admission import Admission
from sandbox.maximo.assets import Assets, Machine
from sandbox.maximo.failure_codes import FAILURE_CLASSES, FailureCodes
from sandbox.maximo.journal import Journal
from sandbox.maximo.labor import STANDARD_ITEMS, STANDARD_LABOR, Items, Labor
from sandbox.maximo.mbo import Json, Mbo
from sandbox.maximo.misbehaviour import Misbehaviour
from sandbox.maximo.operations import API
from sandbox.maximo.queries import Queries
from sandbox.maximo.routes import Routes
from sandbox.maximo.statuses import STANDARD_STATUSES, StatusDomain, StatusValue
from sandbox.maximo.store import LAST_CHANGE, WORK_ORDERS, Store
from sandbox.maximo.work_order_view import WorkOrderView, view
from sandbox.maximo.work_orders import WorkOrderRules, WorkOrders, unknown_work_order
from sandbox.maximo.writes import Writes


@dataclass(frozen=True)
class Site:
    """How the site is configured.

    `zone` is the plant's local time, which filters are read in and answers are written in; `statuses` are the
    site's names of the work order statuses; `mandatory` maps an internal status to the attributes that must have
    a value before a change to it.
    """

    siteid: str = naming.SITE
    orgid: str = "EAGLENA"
    storeloc: str = "CENTRAL"
    zone: tzinfo = timezone(timedelta(hours=-5))
    statuses: Sequence[StatusValue] = STANDARD_STATUSES
    worktypes: frozenset[str] = frozenset({"CM", "PM", "EM"})
    mandatory: Mapping[str, Sequence[str]] = field(default_factory=dict)
    max_page_size: int = 1000


@dataclass(frozen=True)
class LastChange:
    """How many changes work orders have seen, and the plant time of the latest (None before the first)."""

    number: int
    at: datetime | None


class MaximoServer:
    """IBM Maximo Manage as one site of it is met over REST.

    Args:
        directory: where `maximo.sqlite` is kept; None keeps everything in memory.
        clock: plant time, which every date and the five minutes of a `transactionid` follow.
        api_keys: the user of each API key.
        port: the port on 127.0.0.1, 0 for any.
        faults: the misbehaviour to show; None for none.
        site: the site's configuration.
    """

    def __init__(
        self,
        directory: Path | None,
        clock: Clock,
        api_keys: Mapping[str, str],
        port: int = 0,
        faults: Faults | None = None,
        site: Site | None = None,
    ) -> None:
        self.site = site or Site()
        self.faults = faults if faults is not None else Faults()
        domain = StatusDomain(self.site.statuses)
        self._domain = domain
        self._store = Store(Journal(None if directory is None else directory / "maximo.sqlite"), clock)
        self.failure_codes = FailureCodes(self._store, self.site.orgid)
        self.labor = Labor(self._store)
        self.items = Items(self._store)
        self.assets = Assets(self._store, self.site.siteid, self.site.orgid, self.site.zone)
        self.failure_codes.register(FAILURE_CLASSES)
        self.labor.register({code: craft for code, craft in STANDARD_LABOR.items() if self.labor.craft(code) is None})
        self.items.register({item: text for item, text in STANDARD_ITEMS.items() if not self.items.known(item)})
        rules = WorkOrderRules(
            self.site.siteid,
            self.site.orgid,
            self.site.zone,
            domain,
            self.site.worktypes,
            self.site.mandatory,
        )
        actuals = Actuals(self.failure_codes, self.labor, self.items, self.site.storeloc)
        self._work_orders = WorkOrders(self._store, rules, self.assets, actuals)
        routes = Routes(
            Admission(api_keys),
            self._store,
            Queries(domain, self.site.zone, clock, self.site.max_page_size),
            Writes(self._store, self._work_orders, self.assets),
            domain,
            self.site.zone,
        )
        self.app: ASGIApp = Misbehaviour(routes.app(), self.faults)
        self._http = HttpServer(self.app, port)

    async def start(self) -> None:
        """Answer on 127.0.0.1.

        Raises:
            OSError: the port is taken.
        """
        await self._http.start()

    async def stop(self) -> None:
        """Stop answering and close the journal; a new server on the same directory goes on from here."""
        await self._http.stop()
        self._store.close()

    @property
    def port(self) -> int:
        return self._http.port

    @property
    def url(self) -> str:
        """The API's base, `http://127.0.0.1:<port>/maximo/api`."""
        return self._http.url + API

    @property
    def last_change(self) -> LastChange:
        """The latest change to any work order, by whomever."""
        change = self._store.get(LAST_CHANGE, "")
        at = None if change is None else change.attributes["at"]
        return LastChange(self._store.counter("changes"), at if isinstance(at, datetime) else None)

    def register_assets(self, machines: Iterable[Machine]) -> None:
        """Add machines with their four components each; those that are there stay as they are."""
        self.assets.register(machines)

    def work_orders(self) -> list[WorkOrderView]:
        """Every work order, in the order of their making."""
        orders = [view(mbo, self._domain) for mbo in self._store.all(WORK_ORDERS)]
        return sorted(orders, key=lambda order: order.workorderid)

    def work_order(self, wonum: str) -> WorkOrderView:
        """One work order.

        Raises:
            MaximoError: there is none of that number.
        """
        return view(self._find(wonum), self._domain)

    def change_status(self, wonum: str, status: str, memo: str, by: str) -> WorkOrderView:
        """A person moves a work order to an internal status (APPR, INPRG, COMP, CLOSE, CAN, …).

        Raises:
            MaximoError: the order does not exist, or Maximo refuses the change.
        """
        name = self._domain.external(status)
        with self._store.transaction() as transaction:
            mbo = self._work_orders.change_status(transaction, self._find(wonum), {"status": name, "memo": memo}, by)
        return view(mbo, self._domain)

    def create(self, fields: dict[str, Json], by: str) -> WorkOrderView:
        """A person makes a work order, which waits on approval.

        Raises:
            MaximoError: Maximo refuses a value.
        """
        with self._store.transaction() as transaction:
            mbo = self._work_orders.create(transaction, {"siteid": self.site.siteid, **fields}, by)
        return view(mbo, self._domain)

    def edit(self, wonum: str, fields: dict[str, Json], by: str) -> WorkOrderView:
        """A person changes attributes of a work order.

        Raises:
            MaximoError: the order does not exist or is closed, or Maximo refuses a value.
        """
        with self._store.transaction() as transaction:
            mbo = self._work_orders.update(transaction, self._find(wonum), fields, by, merge=True)
        return view(mbo, self._domain)

    def delete(self, wonum: str) -> None:
        """A person deletes a work order that still waits on approval.

        Raises:
            MaximoError: the order does not exist, or has been approved.
        """
        with self._store.transaction() as transaction:
            self._work_orders.delete(transaction, self._find(wonum))

    def report_actual(
        self,
        wonum: str,
        *,
        actstart: datetime | None = None,
        actfinish: datetime | None = None,
        failurecode: str | None = None,
        problem: str | None = None,
        cause: str | None = None,
        remedy: str | None = None,
        labor: Sequence[tuple[str, float]] = (),
        parts: Sequence[tuple[str, float]] = (),
        notes: str = "",
        downtime: tuple[datetime, datetime] | None = None,
        by: str,
    ) -> WorkOrderView:
        """A technician reports what was found and done; what is None or empty is left as it is.

        Raises:
            MaximoError: the order does not exist or is closed, or Maximo refuses a value; then nothing is kept.
        """
        body: dict[str, Json] = {}
        codes = {"PROBLEM": problem, "CAUSE": cause, "REMEDY": remedy}
        dates = {"actstart": actstart, "actfinish": actfinish}
        body.update({name: at.isoformat() for name, at in dates.items() if at is not None})
        if failurecode is not None:
            body["failurecode"] = failurecode
        body["failurereport"] = [{"type": kind, "failurecode": code} for kind, code in codes.items() if code]
        body["labtrans"] = [{"laborcode": code, "regularhrs": hours} for code, hours in labor]
        body["matusetrans"] = [{"itemnum": item, "quantity": qty, "issuetype": "ISSUE"} for item, qty in parts]
        if notes:
            body["worklog"] = [{"description": notes[:100], "description_longdescription": notes}]
        with self._store.transaction() as transaction:
            mbo = self._work_orders.update(transaction, self._find(wonum), body, by, merge=True)
            asset = self.assets.get(mbo.text("assetnum"), self.site.siteid)
            if downtime is not None and asset is not None:
                report: Json = {
                    "isdowntimereport": True,
                    "startdate": downtime[0].isoformat(),
                    "enddate": downtime[1].isoformat(),
                    "code": "BRKDWN",
                }
                self.assets.update(transaction, asset, {"downtimereport": [report]}, merge=True)
        return view(mbo, self._domain)

    def downtimes(self, assetnum: str) -> list[tuple[datetime, datetime]]:
        """The downtime reported of an asset, aware UTC.

        Raises:
            KeyError: there is no such asset.
        """
        asset = self.assets.get(assetnum, self.site.siteid)
        if asset is None:
            raise KeyError(assetnum)
        spans = []
        for row in asset.children.get("downtimereport", []):
            start, end = row.attributes["startdate"], row.attributes["enddate"]
            if isinstance(start, datetime) and isinstance(end, datetime):
                spans.append((start, end))
        return spans

    def _find(self, wonum: str) -> Mbo:
        mbo = self._work_orders.get(wonum)
        if mbo is None:
            raise unknown_work_order(wonum)
        return mbo
