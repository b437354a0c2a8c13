"""Kill switches: they stop actions while judging continues."""

from enum import StrEnum

from domain.model import Model, Moment


class StoppableAction(StrEnum):
    """The actions on other systems that can be stopped. Releasing a hold and withdrawing an order cannot be."""

    ORDER = "order"
    HOLD = "hold"
    TWIN_WRITE = "twin-write"


class Stop(Model):
    """A kill switch that is on, or was. A `site` or `asset_class` of None means all."""

    id: int
    action: StoppableAction
    site: str | None
    asset_class: str | None
    stopped_by: str
    stopped_at: Moment
    reason: str
    lifted_by: str | None = None

    @property
    def words(self) -> str:
        """The reason why a case waits while the kill switch is on."""
        where = " ".join(
            word
            for word in (
                f"at {self.site}" if self.site is not None else "",
                f"for {self.asset_class}" if self.asset_class is not None else "",
            )
            if word
        )
        return f"{self.stopped_by} stopped every {self.action.value}{f' {where}' if where else ''}: {self.reason}"
