"""The failure code tree (FAILURELIST): failure class, its problems, their causes, their remedies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Mbo
from sandbox.maximo.store import FAILURE_LIST, Store, Transaction

TYPES = ("PROBLEM", "CAUSE", "REMEDY")
CLASS_OF_COMPONENT: Mapping[str, str] = {"comp1": "ELEC", "comp2": "ROTATE", "comp3": "PRESS", "comp4": "VIBR"}
NOTHING_FOUND = ("NOFAULT", "NOCAUSE", "NOACTION")
INSTRUMENT_FAULT = ("INSTRUM", "SENSDRFT", "CALIBRAT")
PROCESS_CHANGE = ("PROCCHG", "SETPOINT", "NOACTION")


@dataclass(frozen=True)
class FailureCode:
    """A code and what it means, with the codes below it in the tree."""

    code: str
    description: str
    below: tuple["FailureCode", ...] = ()


_ANY_CLASS = (
    FailureCode("NOFAULT", "No fault found", (FailureCode("NOCAUSE", "No cause", (FailureCode("NOACTION", "None"),)),)),
    FailureCode(
        "INSTRUM",
        "Instrument fault",
        (
            FailureCode(
                "SENSDRFT",
                "Sensor drifted",
                (FailureCode("CALIBRAT", "Calibrated"), FailureCode("RPLSENS", "Sensor replaced")),
            ),
            FailureCode("WIRING", "Wiring or connector", (FailureCode("RESEAT", "Connector reseated"),)),
        ),
    ),
    FailureCode(
        "PROCCHG",
        "Process change",
        (FailureCode("SETPOINT", "Set point or product changed", (FailureCode("NOACTION", "None"),)),),
    ),
)
_REPLACED = (FailureCode("REPLACE", "Component replaced"), FailureCode("REPAIR", "Component repaired"))


def _failure_class(code: str, description: str, problem: FailureCode) -> FailureCode:
    return FailureCode(code, description, (problem, *_ANY_CLASS))


FAILURE_CLASSES = (
    _failure_class(
        "ELEC",
        "Electrical supply unit",
        FailureCode(
            "OVERVOLT",
            "Voltage too high",
            (FailureCode("REGULATR", "Regulator failed", _REPLACED), FailureCode("INSULATN", "Insulation", _REPLACED)),
        ),
    ),
    _failure_class(
        "ROTATE",
        "Rotating drive",
        FailureCode(
            "LOWSPEED",
            "Speed too low",
            (FailureCode("BEARING", "Bearing seized", _REPLACED), FailureCode("BELTSLIP", "Belt slips", _REPLACED)),
        ),
    ),
    _failure_class(
        "PRESS",
        "Pressure unit",
        FailureCode(
            "OVERPRES",
            "Pressure too high",
            (FailureCode("VALVE", "Relief valve stuck", _REPLACED), FailureCode("BLOCKAGE", "Line blocked", _REPLACED)),
        ),
    ),
    _failure_class(
        "VIBR",
        "Mounting and balance",
        FailureCode(
            "HIGHVIB",
            "Vibration too high",
            (FailureCode("IMBALANC", "Imbalance", _REPLACED), FailureCode("LOOSENES", "Looseness", _REPLACED)),
        ),
    ),
)


class FailureCodes:
    """The tree as records: each node has its number (`failurelist`), its `parent` and its code."""

    def __init__(self, store: Store, orgid: str) -> None:
        self._store = store
        self._orgid = orgid

    def register(self, classes: Iterable[FailureCode]) -> None:
        """Add failure classes with all below them; a class that is there stays as it is."""
        with self._store.transaction() as transaction:
            for failure_class in classes:
                if self._child(None, failure_class.code) is None:
                    self._add(transaction, failure_class, None, 0)

    def _add(self, transaction: Transaction, node: FailureCode, parent: int | None, depth: int) -> None:
        number = transaction.draw("failurelist", first=1001)
        mbo = Mbo(
            {
                "failurelist": number,
                "failurecode": node.code,
                "description": node.description,
                "orgid": self._orgid,
            },
            rowstamp=transaction.draw("rowstamp"),
        )
        mbo.set("parent", parent)
        mbo.set("type", TYPES[depth - 1] if depth else None)
        transaction.put(FAILURE_LIST, str(number), mbo)
        for below in node.below:
            self._add(transaction, below, number, depth + 1)

    def is_class(self, code: str) -> bool:
        """Whether `code` is a failure class."""
        return self._child(None, code) is not None

    def line_numbers(self, failure_class: str, codes: Mapping[str, str]) -> dict[str, int]:
        """The node of each code of a report, by type, each sought below the one before it.

        Raises:
            MaximoError: BMXAA0030E without a failure class; 400 naming `failurecode` where the tree has no such path.
        """
        if not failure_class:
            raise MaximoError(
                "BMXAA0030E",
                "A failure class is needed before failures can be reported.",
                attribute="failurecode",
                object_name="workorder",
            )
        parent = self._child(None, failure_class)
        numbers: dict[str, int] = {}
        for kind in TYPES:
            code = codes.get(kind)
            if code is None:
                parent = None
                continue
            node = None if parent is None else self._child(parent, code)
            if node is None:
                raise MaximoError(
                    UNSTATED,
                    f"{code} is not a {kind} at this place of failure class {failure_class}.",
                    attribute="failurecode",
                    object_name="failurereport",
                    value=code,
                )
            numbers[kind] = parent = node
        return numbers

    def _child(self, parent: int | None, code: str) -> int | None:
        for mbo in self._store.all(FAILURE_LIST):
            if mbo.attributes.get("parent") == parent and mbo.text("failurecode") == code:
                return int(mbo.text("failurelist"))
        return None
