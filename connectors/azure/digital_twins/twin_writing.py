"""Writes to one twin what its model takes and it does not say yet, under the ETag just read."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from textwrap import shorten
from typing import Final, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceModifiedError
from azure.digitaltwins.core.aio import DigitalTwinsClient

from connectors.azure.digital_twins.declared import TwinModel
from connectors.azure.digital_twins.faults import SYSTEM, named_property, service_code, translated, translating
from connectors.azure.digital_twins.twins import AzureTwin, new_etag, twin_of
from connectors.library_errors import PLAIN_ERRORS
from domain.canonical import Json
from domain.errors import Unavailable
from domain.keys import TWIN_AUTHOR, TWIN_MARK
from domain.twin_writes import ToldProperty, ToldResult, value_at
from domain.vendor_texts import storable

TELL: Final = "tell-outcome"
_LONGEST: Final = 300
"""The characters of a reason that are kept: it may quote the plant's models."""
TWIN_GONE: Final = "DigitalTwinNotFound"
INVALID: Final = "ValidationFailed"


class WrittenTwin(NamedTuple):
    """What became of a write to a twin."""

    model: TwinModel
    etag: str
    properties: tuple[ToldProperty, ...]


class TwinWriting:
    """The twins of one instance, as they are read and written to.

    Args:
        client: the vendor's client.
        attempts: how often a write is tried again if the twin changed meanwhile.
    """

    def __init__(self, client: DigitalTwinsClient, attempts: int) -> None:
        self._client = client
        self._attempts = attempts

    async def write(self, twin: str, names: Mapping[str, str], told: Mapping[str, str]) -> WrittenTwin | None:
        """Writes to a twin what its model takes and it does not say yet. None if it is gone.

        Twin and model are read again after each refusal: either may have changed since they were read.
        """
        doubted: set[str] = set()
        """What the service refused once, by the models' names: the model may have changed just then."""
        refused: dict[str, str] = {}
        """What it refused twice, with the reason."""
        attempts = self._attempts
        while attempts:
            current = await self.read(twin)
            if current is None:
                return None
            model = await self.model(current.model)
            planned = [
                planned_property(name, names[name], value, current, model, refused) for name, value in told.items()
            ]
            changes = {each.theirs: each.value for each in planned if each.result is ToldResult.WRITTEN}
            if not changes:
                return WrittenTwin(model, current.etag, tuple(planned))
            mark = planned_property(TWIN_MARK, TWIN_MARK, TWIN_AUTHOR, current, model, refused)
            if mark.result is ToldResult.WRITTEN:
                changes[TWIN_MARK] = TWIN_AUTHOR
            try:
                etag = await self._patch(current, changes)
            except HttpResponseError as error:
                code = service_code(error)
                if isinstance(error, ResourceModifiedError) or code == TWIN_GONE:
                    attempts -= 1
                elif code == INVALID:
                    again = _named_of(error, changes) & doubted
                    doubted |= _named_of(error, changes)
                    refused |= dict.fromkeys(again, translated(error, TELL, f"twin {twin}").problem)
                else:
                    raise translated(error, TELL, f"twin {twin}") from error
                continue
            return await self._read_back(twin, model, etag, [*planned, mark])
        raise Unavailable(
            f"twin {twin} changed {self._attempts} times while we wrote to it: another writer changes it all the time",
            system=SYSTEM,
            operation=TELL,
        )

    async def _read_back(
        self, twin: str, model: TwinModel, etag: str | None, planned: list[ToldProperty]
    ) -> WrittenTwin | None:
        """What the twin says after a write; None if it is gone by then.

        Another writer may have changed it since: it is not written again.
        """
        current = await self.read(twin)
        if current is None:
            return None
        told: list[ToldProperty] = []
        for each in planned:
            said = value_at(current.properties, each.theirs)
            ours = each.result is not ToldResult.WRITTEN or _same(said, each.value)
            told.append(each if ours else each.model_copy(update={"why": _set_since(said)}))
        return WrittenTwin(model, etag or current.etag, tuple(told))

    async def read(self, twin: str) -> AzureTwin | None:
        """A twin; None if the service itself says that there is no such twin."""
        with translating(TELL, f"twin {twin}"):
            try:
                return twin_of(await self._client.get_digital_twin(twin))
            except HttpResponseError as error:
                if service_code(error) == TWIN_GONE:
                    return None
                raise

    async def model(self, model: str) -> TwinModel:
        """A model as it is now: one that was deleted may be uploaded again with other contents."""
        with translating(TELL, f"model {model}"):
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
        with passing_refusals(f"twin {current.id}"):
            etag: str | None = await self._client.update_digital_twin(
                current.id,
                operations,
                etag=current.etag,
                match_condition=MatchConditions.IfNotModified,
                cls=new_etag,
            )
        return etag


@contextmanager
def passing_refusals(subject: str) -> Iterator[None]:
    """Raises ours for the client's errors in the block, but for those that the service answered."""
    try:
        yield
    except HttpResponseError:
        raise
    except (AzureError, *PLAIN_ERRORS) as error:
        raise translated(error, TELL, subject) from error


def _named_of(error: HttpResponseError, changes: Collection[str]) -> set[str]:
    """The changes that an error is about: those whose property it names, or all of them."""
    named = named_property(error, [theirs.rpartition(".")[2] for theirs in changes])
    return {theirs for theirs in changes if named is None or theirs.rpartition(".")[2] == named}


def planned_property(
    name: str, theirs: str, value: str, current: AzureTwin, model: TwinModel, refused: Mapping[str, str]
) -> ToldProperty:
    """What is to become of one property."""
    component = theirs.rpartition(".")[0]
    why = refused.get(theirs) or model.refusal(theirs, value)
    if why is None and component and not isinstance(current.properties.get(component), dict):
        why = f"the twin has no component {component}"
    result = ToldResult.KEPT if _same(value_at(current.properties, theirs), value) else ToldResult.WRITTEN
    return ToldProperty(
        name=name,
        theirs=theirs,
        value=value,
        result=result if why is None else ToldResult.NOT_TAKEN,
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
