"""Writes an outcome to a twin, and relates it to the twin of its work order: only what their models declare.

Sources: learn.microsoft.com/rest/api/digital-twins/dataplane/twins (Add, Update, AddRelationship and their codes), and
azure-digitaltwins-core. A PUT without `If-None-Match: *` would replace a twin or a relationship that is there.
"""

from collections.abc import Mapping
from typing import Final

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.digitaltwins.core.aio import DigitalTwinsClient

from connectors.azure.digital_twins.declared import TwinModel
from connectors.azure.digital_twins.faults import SYSTEM, service_code, translated, translating
from connectors.azure.digital_twins.settings import DigitalTwinsSettings, WorkOrderModel
from connectors.azure.digital_twins.twin_writing import (
    INVALID,
    TELL,
    TWIN_GONE,
    TwinWriting,
    passing_refusals,
    planned_property,
)
from connectors.azure.digital_twins.twins import AzureTwin
from domain.errors import Unavailable
from domain.keys import TWIN_AUTHOR, TWIN_MARK
from domain.twin_writes import OrderTwin, ToldOutcome, ToldProperty, ToldResult, TwinWrite
from domain.vendor_texts import storable

_NOT_FORCED: Final = (INVALID, "ModelDecommissioned", "TwinLimitReached", "InvalidRelationship")
"""Codes by which the service refuses a new twin or relationship for what it is."""


class OutcomeWriting:
    """One instance of Azure Digital Twins, as outcomes are written to it."""

    def __init__(self, settings: DigitalTwinsSettings, client: DigitalTwinsClient) -> None:
        self._settings = settings
        self._client = client
        self._twins = TwinWriting(client, settings.patch_attempts)

    async def tell(self, twin: str, work: ToldOutcome) -> TwinWrite:
        """See `OutcomeWriter.tell_outcome`."""
        written = await self._twins.write(twin, self._settings.outcomes.names, work.properties)
        if written is None:
            return TwinWrite(twin=twin, model=None, etag=None)
        order = None
        if self._settings.work_orders is not None:
            order = await self._relate(twin, written.model, self._settings.work_orders, work)
        return TwinWrite(
            twin=twin, model=written.model.id, etag=written.etag, properties=written.properties, order=order
        )

    async def _relate(self, asset: str, asset_model: TwinModel, words: WorkOrderModel, work: ToldOutcome) -> OrderTwin:
        """Makes sure of the twin of the work order, and of the relationship to it."""
        nothing = OrderTwin(twin=None, relationship=words.relationship)
        model = await self._twins.model(words.model)
        refusal = asset_model.relationship_refusal(words.relationship, model)
        if not model.ancestry:
            refusal = f"model {words.model} is not in the graph"
        if refusal is not None:
            return nothing.model_copy(update={"why": refusal})
        created: tuple[ToldProperty, ...] | None = None
        standing = await self._twins.read(work.order_twin)
        if standing is not None and words.model not in (await self._twins.model(standing.model)).ancestry:
            refusal = f"twin {standing.id} is of model {standing.model}, and not of {words.model}"
            return nothing.model_copy(update={"why": refusal})
        if standing is None:
            try:
                created = await self._create(work.order_twin, model, words.names, work.order)
            except HttpResponseError as error:
                problem = translated(error, TELL, f"twin {work.order_twin}")
                if service_code(error) not in _NOT_FORCED:
                    raise problem from error
                return nothing.model_copy(update={"why": storable(problem.problem)})
        written = await self._twins.write(work.order_twin, words.names, work.order)
        if written is None:
            raise Unavailable(f"twin {work.order_twin} was deleted while we related it", system=SYSTEM, operation=TELL)
        told = OrderTwin(
            twin=work.order_twin,
            relationship=words.relationship,
            created=created is not None,
            properties=written.properties if created is None else created,
        )
        related, why = await self._ensure_relationship(asset, words.relationship, work.order_twin)
        return told.model_copy(update={"related": related, "why": why})

    async def _create(
        self, twin: str, model: TwinModel, names: Mapping[str, str], told: Mapping[str, str]
    ) -> tuple[ToldProperty, ...] | None:
        """Creates a twin with what its model takes. None if another attempt created it meanwhile."""
        empty = AzureTwin(twin, "", model.id, {name: {} for name in model.components})
        marked = {**{name: names[name] for name in told}, TWIN_MARK: TWIN_MARK}
        planned = [
            planned_property(name, theirs, told.get(name, TWIN_AUTHOR), empty, model, {})
            for name, theirs in marked.items()
        ]
        body: dict[str, object] = {"$metadata": {"$model": model.id}}
        parts: dict[str, dict[str, object]] = {name: {"$metadata": {}} for name in model.components}
        for each in planned:
            if each.result is ToldResult.WRITTEN:
                component, _, name = each.theirs.rpartition(".")
                (parts[component] if component else body)[name] = each.value
        try:
            with passing_refusals(f"twin {twin}"):
                await self._client.upsert_digital_twin(
                    twin, {**body, **parts}, match_condition=MatchConditions.IfMissing
                )
        except ResourceExistsError:
            return None
        return tuple(planned)

    async def _ensure_relationship(self, asset: str, name: str, target: str) -> tuple[bool, str | None]:
        """Whether it was made now, and why there is none. Its id is that of the target."""
        made = False
        with translating(TELL, f"relationship {target} of twin {asset}"):
            found = await self._relationship(asset, target)
            if found is None:
                wanted = {
                    "$relationshipId": target,
                    "$sourceId": asset,
                    "$relationshipName": name,
                    "$targetId": target,
                }
                try:
                    await self._client.upsert_relationship(
                        asset, target, wanted, match_condition=MatchConditions.IfMissing
                    )
                    made = True
                except ResourceExistsError:
                    made = False
                except HttpResponseError as error:
                    code = service_code(error)
                    if code == "TargetTwinNotFound":
                        problem = f"twin {target} was deleted while we related it"
                        raise Unavailable(problem, system=SYSTEM, operation=TELL) from error
                    if code == TWIN_GONE:
                        return False, f"twin {asset} was deleted meanwhile"
                    if code not in _NOT_FORCED:
                        raise
                    return False, storable(translated(error, TELL, "the relationship").problem)
                found = await self._relationship(asset, target)
        if found is None:
            return False, f"somebody has deleted the relationship from twin {asset} again"
        if (found.get("$relationshipName"), found.get("$targetId")) != (name, target):
            return False, f"twin {asset} has another relationship with the id {target}"
        return made, None

    async def _relationship(self, source: str, relationship: str) -> Mapping[str, object] | None:
        try:
            found: Mapping[str, object] = await self._client.get_relationship(source, relationship)
        except HttpResponseError as error:
            if service_code(error) in ("RelationshipNotFound", TWIN_GONE):
                return None
            raise
        return found
