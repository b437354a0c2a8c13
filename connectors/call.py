"""What a request to another system is for."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from domain.errors import ConnectorError

ErrorT = TypeVar("ErrorT", bound=ConnectorError)


@dataclass(frozen=True)
class Call:
    """What is asked, of which instance and for which effect, as errors name it (`domain.errors.ConnectorError`)."""

    system: str
    operation: str
    key: str | None = None

    def error(self, kind: type[ErrorT], problem: str, **named: str | timedelta | None) -> ErrorT:
        """An error of this call; `named` is what its kind takes besides: `field` or `retry_after`."""
        return kind(problem, system=self.system, operation=self.operation, key=self.key, **named)
