"""The errors of Millwright.

MillwrightError
├─ Rejected            the input is wrong; never retried            EventRejected · PolicyRejected · ActRejected
├─ StorageUnavailable  our own database does not answer; try again
├─ StorageFault        our own database refused a statement: a bug; nothing was written
└─ ConnectorError      carries system, operation, key
   ├─ Unavailable      try later, maybe not before `retry_after`    timeouts · 429 · 5xx
   ├─ ActionRequired   a person must act; waits in a lane           401 · 403 · no asset mapping · 400/422 with a field
   │  └─ NotProved     production must prove a machine's receiver   no walk-down · a changed server
   └─ Refused          we sent something wrong; waits in a lane     other 4xx · unreadable reply

"Already exists" is not an error: a port returns the existing reference.
"""

from datetime import timedelta

from domain.vendor_texts import storable


class MillwrightError(Exception):
    """The root of the tree."""


class Rejected(MillwrightError):
    """The input is wrong. Another attempt with it fails too.

    Args:
        problem: what is wrong, in words for the person who sent it.
        field: the dotted path of the field that is wrong; None if the input cannot be read at all.
        fix: what to write instead, if that is known.
    """

    def __init__(self, problem: str, *, field: str | None = None, fix: str | None = None) -> None:
        place = f"{field}: " if field else ""
        remedy = f" ({fix})" if fix else ""
        super().__init__(f"{place}{problem}{remedy}")
        self.problem = problem
        self.field = field
        self.fix = fix


class EventRejected(Rejected):
    """A message that cannot be read as an event; it goes to quarantine."""


class PolicyRejected(Rejected):
    """A policy document that cannot be loaded, or one whose published text was altered."""


class ActRejected(Rejected):
    """A person asked for something that cannot be done now (a decision on a closed case, a missing role)."""


class StorageUnavailable(MillwrightError):
    """Our own database does not answer; nothing was written."""


class StorageFault(MillwrightError):
    """Our own database refused a statement: a bug of this build, never a fault of an event."""


class ConnectorError(MillwrightError):
    """Another system did not do what was asked.

    Args:
        problem: what happened, in the vendor's words if there are any.
        system: the id of the instance that was asked (`maximo`).
        operation: what was asked (`create-work-order`).
        key: our key for the effect of the operation, or None.
    """

    def __init__(self, problem: str, *, system: str, operation: str, key: str | None = None) -> None:
        # A case records the problem, and it may have the vendor's words in it.
        problem = storable(problem)
        super().__init__(f"{system} {operation}: {problem}")
        self.problem = problem
        self.system = system
        self.operation = operation
        self.key = key


class Unavailable(ConnectorError):
    """The other system does not answer, or is slow or busy. The same call may succeed later.

    `retry_after` is the shortest wait that the vendor asked for, if any.
    """

    def __init__(
        self,
        problem: str,
        *,
        system: str,
        operation: str,
        key: str | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(problem, system=system, operation=operation, key=key)
        self.retry_after = retry_after


class ActionRequired(ConnectorError):
    """Only a person can correct this: credentials, a missing mapping, a field that the site requires.

    `field` is the field that failed, if the vendor named one.
    """

    def __init__(
        self, problem: str, *, system: str, operation: str, key: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(problem, system=system, operation=operation, key=key)
        self.field = field


class NotProved(ActionRequired):
    """It is not proved which machine a hold would stop: production must prove the receiver by a walk-down."""


class Refused(ConnectorError):
    """We sent something that the contract does not allow, or could not read the answer. The fault is ours."""
