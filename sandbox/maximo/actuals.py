"""What technicians report on a work order: failures, hours, parts, notes. Maximo's rules for each such row."""

from collections.abc import Mapping
from datetime import datetime

from sandbox.maximo.errors import UNSTATED, MaximoError, raise_first
from sandbox.maximo.failure_codes import TYPES, FailureCodes
from sandbox.maximo.labor import Items, Labor
from sandbox.maximo.mbo import Mbo
from sandbox.maximo.payloads import missing
from sandbox.maximo.store import Transaction
from sandbox.maximo.structures import WORK_ORDER

_ROW_IDS: Mapping[str, str] = {"labtrans": "labtransid", "matusetrans": "matusetransid", "worklog": "worklogid"}


def refused(object_name: str, attribute: str, value: str, why: str, code: str = UNSTATED) -> MaximoError:
    """A 400 that names an attribute of an object and the value it may not have."""
    return MaximoError(code, f"{value} {why}.", attribute=attribute, object_name=object_name, value=value)


class Actuals:
    """Fills in and checks the child rows of work orders."""

    def __init__(self, failure_codes: FailureCodes, labor: Labor, items: Items, storeloc: str) -> None:
        self._failure_codes = failure_codes
        self._labor = labor
        self._items = items
        self._storeloc = storeloc

    def complete(self, name: str, row: Mbo, transaction: Transaction, user: str) -> None:
        """Fill in and check one row that a request adds or changes.

        Raises:
            MaximoError: naming what is missing or unknown; BMXAA2627E for a labor code that is none,
                BMXAA2634E for a craft that is not that labor's.
        """
        raise_first(missing(row.attributes, WORK_ORDER.children[name]))
        row.rowstamp = transaction.draw("rowstamp")
        if name in _ROW_IDS and _ROW_IDS[name] not in row.attributes:
            row.set(_ROW_IDS[name], transaction.draw(name))
        if name == "labtrans":
            self._complete_labor(row, transaction)
        elif name == "matusetrans":
            self._complete_material(row)
        elif name == "worklog":
            row.attributes.setdefault("logtype", "CLIENTNOTE")
            row.attributes.setdefault("createby", user)
            row.attributes.setdefault("createdate", transaction.stamp(row.rowstamp))
        elif row.text("type") not in TYPES:
            raise refused(name, "type", row.text("type"), "is none of PROBLEM, CAUSE, REMEDY")

    def relate(self, work_order: Mbo) -> None:
        """Place the failure report in the failure code tree: `linenum` of each row, `problemcode` of the order.

        Raises:
            MaximoError: BMXAA0030E where codes are reported without a failure class, 400 naming an unknown code.
        """
        failure_class = work_order.text("failurecode")
        if failure_class and not self._failure_codes.is_class(failure_class):
            raise refused("workorder", "failurecode", failure_class, "is not a failure class")
        report = work_order.children.get("failurereport", [])
        codes = {row.text("type"): row.text("failurecode") for row in report}
        numbers = self._failure_codes.line_numbers(failure_class, codes) if codes else {}
        for row in report:
            row.set("linenum", numbers[row.text("type")])
        work_order.set("problemcode", codes.get("PROBLEM"))

    def _complete_labor(self, row: Mbo, transaction: Transaction) -> None:
        code = row.text("laborcode")
        craft = self._labor.craft(code)
        if craft is None:
            raise refused("labtrans", "laborcode", code, "is not a labor code", "BMXAA2627E")
        if row.attributes.setdefault("craft", craft) != craft:
            raise refused("labtrans", "craft", row.text("craft"), f"is not a craft of {code}", "BMXAA2634E")
        if row.attributes.setdefault("transtype", "WORK") != "WORK":
            raise refused("labtrans", "transtype", row.text("transtype"), "is not a type of labor transaction")
        if float(row.text("regularhrs")) <= 0:
            raise refused("labtrans", "regularhrs", row.text("regularhrs"), "is not a number of hours")
        if not isinstance(row.attributes.get("startdate"), datetime):
            row.set("startdate", transaction.stamp(row.rowstamp))

    def _complete_material(self, row: Mbo) -> None:
        item, issue_type = row.text("itemnum"), row.text("issuetype")
        if not self._items.known(item):
            raise refused("matusetrans", "itemnum", item, "is not an item")
        if issue_type not in ("ISSUE", "RETURN"):
            raise refused("matusetrans", "issuetype", issue_type, "is neither ISSUE nor RETURN")
        if row.attributes.setdefault("storeloc", self._storeloc) != self._storeloc:
            raise refused("matusetrans", "storeloc", row.text("storeloc"), "is not a storeroom")
        quantity = abs(float(row.text("quantity")))
        row.set("quantity", -quantity if issue_type == "ISSUE" else quantity)
