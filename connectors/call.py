"""What a request to another system is for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """What is asked, of which instance and for which effect, as errors name it (`domain.errors.ConnectorError`)."""

    system: str
    operation: str
    key: str | None = None
