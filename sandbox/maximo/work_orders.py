"""Work orders: create, change, change status, and delete before the work has begun."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from sandbox.maximo.actuals import Actuals, refused
from sandbox.maximo.assets import Assets
from sandbox.maximo.child_rows import apply_rows
from sandbox.maximo.errors import UNSTATED, MaximoError, raise_first
from sandbox.maximo.mbo import Json, Mbo, Value
from sandbox.maximo.payloads import Payload, check_rowstamp, missing, read_payload
from sandbox.maximo.statuses import StatusDomain
from sandbox.maximo.store import LAST_CHANGE, WORK_ORDERS, Store, Transaction
from sandbox.maximo.structures import WORK_ORDER

FIRST_WONUM = 1201


@dataclass(frozen=True)
class WorkOrderRules:
    """What the site has configured: its names, time zone, work types, and fields it demands before a status.

    `mandatory` maps an internal status to the attributes that must have a value before a change to it.
    """

    siteid: str
    orgid: str
    zone: tzinfo
    statuses: StatusDomain
    worktypes: frozenset[str]
    mandatory: Mapping[str, Sequence[str]] = field(default_factory=dict)


class WorkOrders:
    """The WORKORDER records of one site."""

    def __init__(self, store: Store, rules: WorkOrderRules, assets: Assets, actuals: Actuals) -> None:
        self._store = store
        self._rules = rules
        self._assets = assets
        self._actuals = actuals

    def get(self, wonum: str) -> Mbo | None:
        return self._store.get(WORK_ORDERS, f"{self._rules.siteid}/{wonum}")

    def create(self, transaction: Transaction, body: Mapping[str, Json], user: str) -> Mbo:
        """A new work order, which starts waiting on approval.

        Raises:
            MaximoError: 400 naming every attribute that is refused; BMXAA4129E for a wonum that exists.
        """
        statuses = self._rules.statuses
        payload = read_payload({k: v for k, v in body.items() if k != "status"}, WORK_ORDER, self._rules.zone, None)
        status = body.get("status")
        if status is not None and statuses.internal(str(status)) != "WAPPR":
            payload.errors.append(refused("workorder", "status", str(status), "is not where a work order starts"))
        given = payload.attributes
        raise_first([*payload.errors, *self._site_errors(given.get("siteid"))])
        wonum = str(given.get("wonum") or self._draw_wonum(transaction))
        if transaction.get(WORK_ORDERS, f"{self._rules.siteid}/{wonum}") is not None:
            raise refused("workorder", "wonum", wonum, "exists already", "BMXAA4129E")
        rowstamp = transaction.draw("rowstamp")
        now = transaction.stamp(rowstamp)
        work_order = Mbo(
            {
                "wonum": wonum,
                "orgid": self._rules.orgid,
                "workorderid": transaction.draw("workorderid"),
                "reportedby": user,
                "reportdate": now,
                "historyflag": False,
            }
        )
        self._apply(work_order, payload, transaction, user, merge=True)
        raise_first(missing({**work_order.attributes, "status": True}, WORK_ORDER.root))
        self._enter(work_order, statuses.external("WAPPR"), now, user, "", transaction)
        return self._save(transaction, work_order, rowstamp)

    def update(
        self, transaction: Transaction, current: Mbo, body: Mapping[str, Json], user: str, *, merge: bool
    ) -> Mbo:
        """Write a payload to a work order; without `merge` child rows it does not hold are deleted.

        Raises:
            MaximoError: BMXAA4105E for a closed order, 412 for a stale payload, 400 naming what is refused.
        """
        self._check_open(current)
        check_rowstamp(body, current, "workorder")
        payload = read_payload(body, WORK_ORDER, self._rules.zone, current)
        for key in WORK_ORDER.root.keys:
            if payload.attributes.get(key, current.attributes[key]) != current.attributes[key]:
                payload.errors.append(refused("workorder", key, str(body[key]), "cannot be changed"))
        raise_first(payload.errors)
        work_order = current.copy()
        self._apply(work_order, payload, transaction, user, merge=merge)
        return self._save(transaction, work_order, transaction.draw("rowstamp"))

    def change_status(self, transaction: Transaction, current: Mbo, params: Mapping[str, Json], user: str) -> Mbo:
        """The web method changeStatus: `status` (the site's name), `memo`, `date` (not in the future).

        Raises:
            MaximoError: what `StatusDomain.check` raises, BMXAA4599E for a future date, BMXAA4590E that wraps
                BMXAA5401E where a field the site demands is empty, 400 for another parameter.
        """
        unknown = sorted(set(params) - {"status", "memo", "date", "href", "_action"})
        if unknown:
            raise refused("workorder", unknown[0], unknown[0], "is not a parameter of changeStatus")
        wanted, memo = params.get("status"), params.get("memo")
        if not isinstance(wanted, str):
            raise refused("workorder", "status", str(wanted), "is not a status")
        self._rules.statuses.check(current.text("status"), wanted)
        rowstamp = transaction.draw("rowstamp")
        at = self._status_date(params.get("date"), transaction, transaction.stamp(rowstamp))
        internal = self._rules.statuses.internal_or_same(wanted)
        for name in self._rules.mandatory.get(internal, ()):
            if name not in current.attributes:
                why = f"cannot be reached: BMXAA5401E - A required field is blank: {name}"
                error = refused("workorder", name, wanted, why, "BMXAA4590E")
                error.value = None
                raise error
        work_order = current.copy()
        self._enter(work_order, wanted, at, user, "" if memo is None else str(memo), transaction)
        return self._save(transaction, work_order, rowstamp)

    def delete(self, transaction: Transaction, current: Mbo) -> None:
        """Delete a work order that still waits on approval.

        Raises:
            MaximoError: BMXAA4105E for a closed order, 400 for any other that has been approved.
        """
        self._check_open(current)
        if self._internal_status(current) != "WAPPR":
            raise refused("workorder", "status", current.text("status"), "is a status in which nothing is deleted")
        transaction.delete(WORK_ORDERS, WORK_ORDER.key(current))
        self._note_change(transaction)

    def _apply(self, work_order: Mbo, payload: Payload, transaction: Transaction, user: str, *, merge: bool) -> None:
        for name, value in payload.attributes.items():
            work_order.set(name, value)
        raise_first(self._attribute_errors(work_order, payload))
        apply_rows(
            work_order,
            payload,
            WORK_ORDER,
            merge=merge,
            complete=lambda name, row: self._actuals.complete(name, row, transaction, user),
        )
        self._actuals.relate(work_order)

    def _attribute_errors(self, work_order: Mbo, payload: Payload) -> list[MaximoError]:
        errors = []
        number, location = work_order.text("assetnum"), payload.attributes.get("location")
        asset = self._assets.get(number, work_order.text("siteid")) if number else None
        if asset is not None:
            work_order.set("location", asset.text("location"))
            if "assetnum" in payload.attributes and asset.text("status") != "OPERATING":
                errors.append(refused("workorder", "assetnum", number, "is not operating", "BMXAA0090E"))
        elif number:
            errors.append(refused("workorder", "assetnum", number, "is not a valid asset"))
        if location is not None and not self._assets.has_location(str(location)):
            errors.append(refused("workorder", "location", str(location), "is not a valid location", "BMXAA2661E"))
        worktype = work_order.text("worktype")
        if worktype and worktype not in self._rules.worktypes:
            errors.append(refused("workorder", "worktype", worktype, "is not a work type of the site"))
        return errors

    def _site_errors(self, siteid: Value | None) -> list[MaximoError]:
        if siteid is None:
            return missing({**dict.fromkeys(WORK_ORDER.root.attributes, True), "siteid": None}, WORK_ORDER.root)
        if siteid != self._rules.siteid:
            return [refused("workorder", "siteid", str(siteid), "is not a valid site", "BMXAA4153E")]
        return []

    def _draw_wonum(self, transaction: Transaction) -> str:
        while True:
            wonum = str(transaction.draw("wonum", first=FIRST_WONUM))
            if transaction.get(WORK_ORDERS, f"{self._rules.siteid}/{wonum}") is None:
                return wonum

    def _status_date(self, given: Json, transaction: Transaction, stamp: datetime) -> datetime:
        if given is None:
            return stamp
        date = WORK_ORDER.root.attributes["statusdate"].read(given, "workorder", self._rules.zone)
        if not isinstance(date, datetime):
            raise refused("workorder", "date", str(given), "is not a date")
        if date > transaction.now():
            raise refused("workorder", "date", str(given), "is in the future", "BMXAA4599E")
        return date

    def _enter(
        self, work_order: Mbo, status: str, at: datetime, user: str, memo: str, transaction: Transaction
    ) -> None:
        work_order.attributes.update({"status": status, "statusdate": at})
        internal = self._internal_status(work_order)
        if internal == "INPRG":
            work_order.attributes.setdefault("actstart", at)
        elif internal == "COMP":
            work_order.attributes.setdefault("actfinish", at)
        elif internal == "CLOSE":
            work_order.set("historyflag", True)
        history = Mbo(
            {
                "wostatusid": transaction.draw("wostatus"),
                "status": status,
                "changedate": at,
                "changeby": user,
            },
            rowstamp=transaction.draw("rowstamp"),
        )
        history.set("memo", memo or None)
        work_order.children.setdefault("wostatus", []).append(history)

    def _check_open(self, work_order: Mbo) -> None:
        if work_order.attributes["historyflag"] is True:
            raise MaximoError("BMXAA4105E", "The work order is history and read-only.", object_name="workorder")

    def _internal_status(self, work_order: Mbo) -> str:
        return self._rules.statuses.internal_or_same(work_order.text("status"))

    def _save(self, transaction: Transaction, work_order: Mbo, rowstamp: int) -> Mbo:
        work_order.rowstamp = rowstamp
        transaction.put(WORK_ORDERS, WORK_ORDER.key(work_order), work_order)
        self._note_change(transaction)
        return work_order

    def _note_change(self, transaction: Transaction) -> None:
        change = Mbo({"number": transaction.draw("changes"), "at": transaction.now()})
        transaction.put(LAST_CHANGE, "", change)


def unknown_work_order(token: str) -> MaximoError:
    """There is no work order of that href or number: 404."""
    return MaximoError("BMXAA1496E", f"The work order {token} does not exist.", status=404, object_name="workorder")


def unknown_record(name: str, token: str) -> MaximoError:
    """There is no record of that href: 404."""
    return MaximoError(UNSTATED, f"There is no {token} in {name}.", status=404)
