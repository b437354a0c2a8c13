"""What a connector to a CMMS may offer besides the port `Cmms`. No step of a case needs it.

The methods may raise the three errors of `domain.errors` for connectors, as those of `domain.ports` do.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from domain.cmms import FoundAsset, ListedAssets, PreviewedRecord
from domain.completed_work import ToldWork
from domain.maintenance_history import CmmsAsset
from domain.work_orders import WorkOrderDraft


@runtime_checkable
class AssetFinder(Protocol):
    """What a connector to a CMMS may offer besides `Cmms`, so that it can be tried without the name of an asset."""

    async def any_asset(self) -> FoundAsset | None:
        """Some asset for which an order can be created; None if there is none. The CMMS is not changed."""
        ...


@runtime_checkable
class AssetLister(Protocol):
    """What a connector to a CMMS may offer besides `Cmms`, so that names can be suggested for assets, and names that
    are none any more are found."""

    async def list_assets(self) -> ListedAssets:
        """All assets for which an order can be created. The CMMS is not changed.

        Retired ones and those without the field that names an asset are left out. Records that cannot be read are
        counted.
        """
        ...


@runtime_checkable
class OrderPreviewer(Protocol):
    """What a connector to a CMMS may offer besides `Cmms`, so that people see where an order would land."""

    async def preview_order(self, draft: WorkOrderDraft) -> Sequence[PreviewedRecord]:
        """The records that `create_work_order` would create for a draft, in their order, with what it would send.

        It is made by the same functions. The CMMS is read where they read it, and is not changed. It is not looked up
        whether there is an order with the key of the draft.

        Raises:
            ActionRequired: as `create_work_order`, as far as that is known before anything is sent.
        """
        ...


@runtime_checkable
class SchemaChecker(Protocol):
    """What a connector to a CMMS may offer besides `Cmms`, where the vendor tells the schema of a site."""

    async def check_schema(self) -> Sequence[str]:
        """Where the site differs from what the settings and our orders need, a sentence each with the correction; empty
        if it fits. Such a difference fails an order sooner or later. The CMMS is not changed.
        """
        ...


@runtime_checkable
class WorkLister(Protocol):
    """What a connector to a CMMS may offer besides `Cmms`, so that policies know the work that was done on an asset."""

    async def completed_work(self, assets: Sequence[CmmsAsset], since: datetime) -> Sequence[Sequence[ToldWork] | None]:
        """The work that was done on each of some assets since a time, by anyone, in the order of the assets.

        Work that was cancelled is left out. None stands for an asset of which a record cannot be read, or that the CMMS
        says it does not know. Few requests are made for many assets. The CMMS is not changed.

        Raises:
            ActionRequired: one of the assets cannot be asked for, or our user may not read the work.
        """
        ...


def schema_checkers(connectors: Mapping[str, object]) -> dict[str, SchemaChecker]:
    """Those of some connectors that can compare the schema, by the id of each instance."""
    return {system: each for system, each in connectors.items() if isinstance(each, SchemaChecker)}
