"""Twins that take all that they are told, and what is recorded of such a write."""

from domain.twin_writes import ToldOutcome, ToldProperty, ToldResult, TwinWrite

MODEL = "dtmi:manufacturing:Component;1"


def whole_write(etag: str, twin: str = "machine-001-comp1", **properties: str) -> TwinWrite:
    """A write of which the twin took everything."""
    told = properties or {"maintenanceStatus": "completed"}
    return TwinWrite(
        twin=twin,
        model=MODEL,
        etag=etag,
        properties=tuple(
            ToldProperty(name=name, theirs=name, value=value, result=ToldResult.WRITTEN) for name, value in told.items()
        ),
    )


def taken(twin: str, work: ToldOutcome, etag: str = "etag") -> TwinWrite:
    """What a twin answers whose model declares everything."""
    return whole_write(etag, twin, **work.properties)
