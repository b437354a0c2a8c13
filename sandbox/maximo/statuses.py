"""The WOSTATUS synonym domain of a site, and which change of status Maximo lets pass."""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.maximo.errors import MaximoError

_WAITING = frozenset({"APPR", "WSCH", "WMATL", "WPCOND"})
_NEXT: dict[str, frozenset[str]] = {
    "WAPPR": _WAITING | {"CAN"},
    **{status: (_WAITING - {status}) | {"INPRG", "CAN"} for status in _WAITING},
    "INPRG": frozenset({"COMP", "CAN"}),
    "COMP": frozenset({"CLOSE"}),
    "CLOSE": frozenset(),
    "CAN": frozenset(),
}
_REFUSALS = {("COMP", "APPR"): "BMXAA4679E", ("COMP", "INPRG"): "BMXAA4638E"}


@dataclass(frozen=True)
class StatusValue:
    """One value of the domain: what the site calls it, what Maximo's logic knows it as, and its description.

    Of the values that share an internal value one is the default.
    """

    value: str
    maxvalue: str
    description: str
    default: bool = True


STANDARD_STATUSES = (
    StatusValue("WAPPR", "WAPPR", "Waiting on approval"),
    StatusValue("APPR", "APPR", "Approved"),
    StatusValue("WSCH", "WSCH", "Waiting to be scheduled"),
    StatusValue("WMATL", "WMATL", "Waiting on material"),
    StatusValue("WPCOND", "WPCOND", "Waiting on plant condition"),
    StatusValue("INPRG", "INPRG", "In progress"),
    StatusValue("COMP", "COMP", "Completed"),
    StatusValue("CLOSE", "CLOSE", "Closed"),
    StatusValue("CAN", "CAN", "Canceled"),
)
_OTHER_DOMAINS = {"PROBLEM": "Problem", "CAUSE": "Cause", "REMEDY": "Remedy", "OPERATING": "Operating"}


class StatusDomain:
    """The site's names of the work order statuses.

    Raises:
        ValueError: an internal value has not exactly one default.
    """

    def __init__(self, values: Iterable[StatusValue] = STANDARD_STATUSES) -> None:
        self.values = tuple(values)
        self._by_value = {status.value: status for status in self.values}
        self._defaults = {status.maxvalue: status for status in self.values if status.default}
        if sorted(_NEXT) != sorted(status.maxvalue for status in self.values if status.default):
            raise ValueError(f"statuses: exactly one default for each of {', '.join(_NEXT)}")

    def internal(self, value: str) -> str | None:
        """The internal value of a site's status, None where the site has none of that name."""
        status = self._by_value.get(value)
        return None if status is None else status.maxvalue

    def internal_or_same(self, value: str) -> str:
        """The internal value; a value of another domain is its own."""
        return self.internal(value) or value

    def external(self, maxvalue: str) -> str:
        """The site's default name of an internal value."""
        return self._defaults[maxvalue].value

    def description(self, value: str) -> str:
        status = self._by_value.get(value)
        return status.description if status is not None else _OTHER_DOMAINS.get(value, value)

    def after(self, value: str) -> tuple[StatusValue, ...]:
        """The statuses a work order in `value` may change to."""
        return tuple(status for status in self.values if status.maxvalue in _NEXT[self.internal_or_same(value)])

    def check(self, current: str, wanted: str) -> None:
        """Let a change between two of the site's statuses pass, or not.

        Raises:
            MaximoError: BMXAA4105E out of CLOSE, BMXAA4679E and BMXAA4638E back from COMP, else BMXAA4590E.
        """
        before, after = self.internal_or_same(current), self.internal(wanted)
        if before == "CLOSE":
            raise MaximoError(
                "BMXAA4105E", "The work order is history and read-only.", attribute="status", object_name="workorder"
            )
        if after is None or after not in _NEXT[before]:
            code = _REFUSALS.get((before, after or ""), "BMXAA4590E")
            raise MaximoError(
                code,
                f"The status of the work order cannot be changed from {current} to {wanted}.",
                attribute="status",
                object_name="workorder",
                value=wanted,
            )
