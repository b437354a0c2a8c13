"""Writes an outcome to a twin, and relates it to the twin of its work order: only what their models declare.

Sources: learn.microsoft.com/rest/api/digital-twins/dataplane/twins (Add, Update, AddRelationship and their codes), and
azure-digitaltwins-core. A PUT without `If-None-Match: *` would replace a twin or a relationship that is there.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from textwrap import shorten
from typing import Final, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.digitaltwins.core.aio import DigitalTwinsClient

from connectors.azure.digital_twins.declared import TwinModel
from connectors.azure.digital_twins.faults import SYSTEM, named_property, service_code, translated, translating
from connectors.azure.digital_twins.settings import DigitalTwinsSettings, WorkOrderModel
from connectors.azure.digital_twins.twins import AzureTwin, new_etag, twin_of
from connectors.library_errors import PLAIN_ERRORS
from domain.canonical import Json
from domain.errors import Unavailable
from domain.keys import TWIN_AUTHOR, TWIN_MARK
from domain.twin_writes import OrderTwin, ToldFate, ToldOutcome, ToldProperty, TwinWrite, value_at
from domain.vendor_texts import storable

_TELL: Final = "tell-outcome"
_LONGEST: Final = 300
"""The characters of a reason that are kept: it may quote the plant's models."""
_TWIN_GONE: Final = "DigitalTwinNotFound"
_INVALID: Final = "ValidationFailed"
_NOT_FORCED: Final = (_INVALID, "ModelDecommissioned", "TwinLimitReached", "InvalidRelationship")
"""Codes by which the service refuses a new twin or relationship for what it is."""


class _Written(NamedTuple):
    """What became of a write to a twin."""

    model: TwinModel
    etag: str
    properties: tuple[ToldProperty, ...]


class OutcomeWriting:
    """One instance of Azure Digital Twins, as outcomes are written to it."""

    def __init__(self, settings: DigitalTwinsSettings, client: DigitalTwinsClient) -> None:
        self._settings = settings
        self._client = client

    async def tell(self, twin: str, work: ToldOutcome) -> TwinWrite:
        """See `OutcomeWriter.tell_outcome`."""
        written = await self._write(twin, self._settings.outcomes.names, work.properties)
        if written is None:
            return TwinWrite(twin=twin, model=None, etag=None)
        order = None
        if self._settings.work_orders is not None:
            order = await self._relate(twin, written.model, self._settings.work_orders, work)
        return TwinWrite(
            twin=twin, model=written.model.id, etag=written.etag, properties=written.properties, order=order
        )

    async def _write(self, twin: str, names: Mapping[str, str], told: Mapping[str, str]) -> _Written | None:
        """Writes to a twin what its model takes and it does not say yet. None if it is gone.

        Twin and model are read again after each refusal: either may have changed since they were read.
        """
        doubted: set[str] = set()
        """What the service refused once, by the models' names: the model may have changed just then."""
        refused: dict[str, str] = {}
        """What it refused twice, with the reason."""
        attempts = self._settings.patch_attempts
        while attempts:
            current = await self._read(twin)
            if current is None:
                return None
            model = await self._model(current.model)
            planned = [_planned(name, names[name], value, current, model, refused) for name, value in told.items()]
            changes = {each.theirs: each.value for each in planned if each.fate is ToldFate.WRITTEN}
            if not changes:
                return _Written(model, current.etag, tuple(planned))
            mark = _planned(TWIN_MARK, TWIN_MARK, TWIN_AUTHOR, current, model, refused)
            if mark.fate is ToldFate.WRITTEN:
                changes[TWIN_MARK] = TWIN_AUTHOR
            try:
                etag = await self._patch(current, changes)
            except HttpResponseError as error:
                code = service_code(error)
                if isinstance(error, ResourceModifiedError) or code == _TWIN_GONE:
                    attempts -= 1
                elif code == _INVALID:
                    again = _named_of(error, changes) & doubted
                    doubted |= _named_of(error, changes)
                    refused |= dict.fromkeys(again, translated(error, _TELL, f"twin {twin}").problem)
                else:
                    raise translated(error, _TELL, f"twin {twin}") from error
                continue
            return await self._read_back(twin, model, etag, [*planned, mark])
        raise Unavailable(
            f"twin {twin} changed {self._settings.patch_attempts} times while we wrote to it: another writer changes "
            "it all the time",
            system=SYSTEM,
            operation=_TELL,
        )

    async def _read_back(
        self, twin: str, model: TwinModel, etag: str | None, planned: list[ToldProperty]
    ) -> _Written | None:
        """What the twin says after a write; None if it is gone by then.

        Another writer may have changed it since: it is not written again.
        """
        current = await self._read(twin)
        if current is None:
            return None
        told = [
            each
            if each.fate is not ToldFate.WRITTEN or _same(said := value_at(current.properties, each.theirs), each.value)
            else each.model_copy(update={"why": _set_since(said)})
            for each in planned
        ]
        return _Written(model, etag or current.etag, tuple(told))

    async def _relate(self, asset: str, asset_model: TwinModel, words: WorkOrderModel, work: ToldOutcome) -> OrderTwin:
        """Makes sure of the twin of the work order, and of the relationship to it."""
        nothing = OrderTwin(twin=None, relationship=words.relationship)
        model = await self._model(words.model)
        refusal = asset_model.relationship_refusal(words.relationship, model)
        if not model.ancestry:
            refusal = f"model {words.model} is not in the graph"
        if refusal is not None:
            return nothing.model_copy(update={"why": refusal})
        created: tuple[ToldProperty, ...] | None = None
        standing = await self._read(work.order_twin)
        if standing is not None and words.model not in (await self._model(standing.model)).ancestry:
            refusal = f"twin {standing.id} is of model {standing.model}, and not of {words.model}"
            return nothing.model_copy(update={"why": refusal})
        if standing is None:
            try:
                created = await self._create(work.order_twin, model, words.names, work.order)
            except HttpResponseError as error:
                problem = translated(error, _TELL, f"twin {work.order_twin}")
                if service_code(error) not in _NOT_FORCED:
                    raise problem from error
                return nothing.model_copy(update={"why": storable(problem.problem)})
        written = await self._write(work.order_twin, words.names, work.order)
        if written is None:
            raise Unavailable(f"twin {work.order_twin} was deleted while we related it", system=SYSTEM, operation=_TELL)
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
            _planned(name, theirs, told.get(name, TWIN_AUTHOR), empty, model, {}) for name, theirs in marked.items()
        ]
        body: dict[str, object] = {"$metadata": {"$model": model.id}}
        parts: dict[str, dict[str, object]] = {name: {"$metadata": {}} for name in model.components}
        for each in planned:
            if each.fate is ToldFate.WRITTEN:
                component, _, name = each.theirs.rpartition(".")
                (parts[component] if component else body)[name] = each.value
        try:
            with _passing_refusals(f"twin {twin}"):
                await self._client.upsert_digital_twin(
                    twin, {**body, **parts}, match_condition=MatchConditions.IfMissing
                )
        except ResourceExistsError:
            return None
        return tuple(planned)

    async def _ensure_relationship(self, asset: str, name: str, target: str) -> tuple[bool, str | None]:
        """Whether it was made now, and why there is none. Its id is that of the target."""
        made = False
        with translating(_TELL, f"relationship {target} of twin {asset}"):
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
                        raise Unavailable(problem, system=SYSTEM, operation=_TELL) from error
                    if code == _TWIN_GONE:
                        return False, f"twin {asset} was deleted meanwhile"
                    if code not in _NOT_FORCED:
                        raise
                    return False, storable(translated(error, _TELL, "the relationship").problem)
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
            if service_code(error) in ("RelationshipNotFound", _TWIN_GONE):
                return None
            raise
        return found

    async def _read(self, twin: str) -> AzureTwin | None:
        """A twin; None if the service itself says that there is no such twin."""
        with translating(_TELL, f"twin {twin}"):
            try:
                return twin_of(await self._client.get_digital_twin(twin))
            except HttpResponseError as error:
                if service_code(error) == _TWIN_GONE:
                    return None
                raise

    async def _model(self, model: str) -> TwinModel:
        """A model as it is now: one that was deleted may be uploaded again with other contents."""
        with translating(_TELL, f"model {model}"):
            try:
                found = self._client.list_models([model], include_model_definition=True)
                definitions = {str(each.id): each.model or {} async for each in found}
            except HttpResponseError as error:
                if service_code(error) != "ModelNotFound":
                    raise
                definitions = {}
        return TwinModel(model, definitions)

    async def _patch(self, current: AzureTwin, changes: Mapping[str, str]) -> str | None:
        operations: list[dict[str, Json]] = [
            # The service takes `add` whether or not there is a value.
            {"op": "add", "path": "/" + theirs.replace(".", "/"), "value": value}
            for theirs, value in changes.items()
        ]
        with _passing_refusals(f"twin {current.id}"):
            etag: str | None = await self._client.update_digital_twin(
                current.id,
                operations,
                etag=current.etag,
                match_condition=MatchConditions.IfNotModified,
                cls=new_etag,
            )
        return etag


@contextmanager
def _passing_refusals(subject: str) -> Iterator[None]:
    """Raises ours for the client's errors in the block, but for those that the service answered."""
    try:
        yield
    except HttpResponseError:
        raise
    except (AzureError, *PLAIN_ERRORS) as error:
        raise translated(error, _TELL, subject) from error


def _named_of(error: HttpResponseError, changes: Collection[str]) -> set[str]:
    """The changes that an error is about: those whose property it names, or all of them."""
    named = named_property(error, [theirs.rpartition(".")[2] for theirs in changes])
    return {theirs for theirs in changes if named is None or theirs.rpartition(".")[2] == named}


def _planned(
    name: str, theirs: str, value: str, current: AzureTwin, model: TwinModel, refused: Mapping[str, str]
) -> ToldProperty:
    """What is to become of one property."""
    component = theirs.rpartition(".")[0]
    why = refused.get(theirs) or model.refusal(theirs, value)
    if why is None and component and not isinstance(current.properties.get(component), dict):
        why = f"the twin has no component {component}"
    fate = ToldFate.KEPT if _same(value_at(current.properties, theirs), value) else ToldFate.WRITTEN
    return ToldProperty(
        name=name,
        theirs=theirs,
        value=value,
        fate=fate if why is None else ToldFate.NOT_TAKEN,
        why=None if why is None else shorten(storable(why), _LONGEST, placeholder=" …"),
    )


def _set_since(said: Json) -> str:
    return shorten(storable(f"another writer has set it to {said} since"), _LONGEST, placeholder=" …")


def _same(said: Json, told: str) -> bool:
    """Whether a twin says what it is told. The same time may be written in two ways."""
    if said == told or not isinstance(said, str):
        return said == told
    try:
        return datetime.fromisoformat(said) == datetime.fromisoformat(told)
    except ValueError:
        return False
