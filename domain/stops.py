"""Kill switches: actions that are not taken while judging goes on."""

from enum import StrEnum

from domain.model import Model, Moment


class StoppableAction(StrEnum):
    """What reaches the outside world, and can be stopped. Releasing a hold and withdrawing an order never are."""

    ORDER = "order"
    HOLD = "hold"
    TWIN_WRITE = "twin-write"


class Stop(Model):
    """A kill switch that was thrown. A site or class of None is every one."""

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
        """What a case waits for while it stands."""
        where = " ".join(
            word
            for word in (
                f"at {self.site}" if self.site is not None else "",
                f"for {self.asset_class}" if self.asset_class is not None else "",
            )
            if word
        )
        return f"{self.stopped_by} stopped every {self.action.value}{f' {where}' if where else ''}: {self.reason}"
