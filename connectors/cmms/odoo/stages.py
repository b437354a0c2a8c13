"""The stages of a site, and what the settings say that they mean."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.cmms.odoo.models import MaintenanceStage
from domain.work_orders import WorkOrderStatus


@dataclass(frozen=True)
class NamedStage:
    """A stage that the settings name.

    Args:
        id: its id in Odoo.
        name: as the settings name it.
        status: what it means.
        done: whether the work is over in it, by Odoo.
    """

    id: int
    name: str
    status: WorkOrderStatus
    done: bool

    @property
    def is_believed(self) -> bool:
        """Whether Odoo agrees that the work is over, or that it is not. Cancelled work may be in either."""
        if self.status is WorkOrderStatus.COMPLETED:
            return self.done
        return self.status.finished or not self.done


class SiteStages:
    """The stages of a site by their ids.

    Args:
        rows: the stages.
        external_ids: their external ids, by their ids as text.
        meanings: what each named stage means, by its external id or its name.
    """

    def __init__(
        self,
        rows: Sequence[MaintenanceStage],
        external_ids: Mapping[str, str],
        meanings: Mapping[str, WorkOrderStatus],
    ) -> None:
        by_external_id: defaultdict[str, list[MaintenanceStage]] = defaultdict(list)
        by_name: defaultdict[str, list[MaintenanceStage]] = defaultdict(list)
        for row in rows:
            by_external_id[external_ids.get(str(row.id), "")].append(row)
            by_name[row.name].append(row)
        self._named: dict[str, NamedStage] = {}
        for name, status in meanings.items():
            found = by_external_id[name] or by_name[name]
            if len(found) == 1:
                self._named[name] = NamedStage(found[0].id, name, status, found[0].done)
        ids = [stage.id for stage in self._named.values()]
        self._by_id = {stage.id: stage for stage in self._named.values() if ids.count(stage.id) == 1}
        self._done = {row.id for row in rows if row.done}
        self.names = tuple(row.name for row in rows)
        """The names of all stages."""

    def named(self, name: str) -> NamedStage | None:
        """The stage that the settings name so; None if the site has none, or more than one."""
        return self._named.get(name)

    def problem_of(self, name: str) -> str | None:
        """Why a stage that the settings name means nothing; None if it means what they say."""
        found = self._named.get(name)
        if found is None:
            return f"it has no single stage {name!r}"
        if found.id not in self._by_id:
            return f"the stage {name!r} is named twice, by its external id and by its name"
        if not found.is_believed:
            return f"the stage {name!r} is {found.status} by the settings, but its field `done` says otherwise"
        return None

    def meaning_of(self, stage: int | None) -> NamedStage | None:
        """What a stage means; None if the settings do not name it, name it twice, or contradict Odoo."""
        found = self._by_id.get(stage) if stage is not None else None
        return found if found is not None and found.is_believed else None

    def is_done(self, stage: int | None) -> bool:
        """Whether the work is over in a stage, by Odoo."""
        return stage in self._done
