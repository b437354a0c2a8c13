"""What the twin of an asset is told of finished work, and what its model did not take."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Protocol

from domain.canonical import Json
from domain.model import Model


class ToldResult(StrEnum):
    """What became of one property that a twin was told."""

    WRITTEN = "written"
    """This write changed it."""
    KEPT = "kept"
    """The twin said so already: nothing was written. An earlier attempt of ours may have written it."""
    NOT_TAKEN = "not_taken"
    """The twin's model does not take it."""


class ToldProperty(Model):
    """One property that a twin was told.

    Args:
        name: our name of it.
        theirs: its name in the plant's model; one in a component is written `component.property`.
        why: why it was not taken, or what the twin said when it was read back.
    """

    name: str
    theirs: str
    value: str
    result: ToldResult
    why: str | None = None

    @property
    def taken(self) -> bool:
        """Whether the twin's model takes it."""
        return self.result is not ToldResult.NOT_TAKEN


class OrderTwin(Model):
    """The twin of the work order, and its relationship from the asset's twin.

    Args:
        twin: its id; None if there is none.
        relationship: the name of the relationship from the asset's twin to it.
        created: whether this write created it. Otherwise it was there: an earlier attempt may have created it.
        related: whether this write related it to the asset. Otherwise it was related already, or `why` says why not.
        why: why there is none, or why it is not related.
    """

    twin: str | None
    relationship: str
    created: bool = False
    related: bool = False
    properties: tuple[ToldProperty, ...] = ()
    why: str | None = None

    @property
    def words(self) -> str:
        """What became of it, as a sentence without its last stop."""
        if self.twin is None:
            return f"There is no twin of its work order: {self.why}"
        made = "was created" if self.created else "was there"
        related = "was related" if self.related else "is related"
        told = f"Twin {self.twin} of its work order {made}"
        end = f" and is not related to it: {self.why}" if self.why else f" and {related} to it by {self.relationship}"
        return told + end + "".join(f"; {each}" for each in _words(self.properties))


class TwinWrite(Model):
    """One write of an outcome to a twin: what the twin says of it now, what it did not take, and why.

    Args:
        model: the twin's DTDL model; None if the twin is gone.
        etag: the twin's ETag after the write; None if the twin is gone.
        properties: the mark of our authorship is among them if something was written.
        order: None if no model of work orders is configured, or the twin is gone.
    """

    twin: str
    model: str | None
    etag: str | None
    properties: tuple[ToldProperty, ...] = ()
    order: OrderTwin | None = None

    @property
    def told(self) -> bool:
        """Whether the twin says something of the outcome."""
        return any(each.taken for each in self.properties)

    @property
    def gone(self) -> bool:
        """Whether there was no such twin."""
        return self.model is None

    @property
    def not_taken(self) -> tuple[ToldProperty, ...]:
        """What its model did not take."""
        return tuple(each for each in self.properties if not each.taken)

    @property
    def words(self) -> tuple[str, ...]:
        """What was written and what was not, as sentences without their last stop."""
        if self.gone:
            return (f"Twin {self.twin} is not in the graph any more: nothing was written, and the case goes on",)
        said = "; ".join(_words(self.properties))
        return (f"Twin {self.twin} of model {self.model}: {said}", *((self.order.words,) if self.order else ()))


def _words(properties: tuple[ToldProperty, ...]) -> Iterator[str]:
    named = {result: [each for each in properties if each.result is result] for result in ToldResult}
    if written := named[ToldResult.WRITTEN]:
        yield f"written: {', '.join(_called(each) + (f' ({each.why})' if each.why else '') for each in written)}"
    if kept := named[ToldResult.KEPT]:
        yield f"said so already: {', '.join(map(_called, kept))}"
    if refused := named[ToldResult.NOT_TAKEN]:
        yield f"not taken: {', '.join(f'{_called(each)} ({each.why})' for each in refused)}"


def _called(told: ToldProperty) -> str:
    return told.name if told.name == told.theirs else f"{told.name} as {told.theirs}"


class ToldOutcome(Model):
    """What a twin is told of finished work.

    Args:
        properties: of the asset's twin, by our names.
        order_twin: the id of the twin of the work order.
        order: properties of that twin, by our names.
    """

    properties: dict[str, str]
    order_twin: str
    order: dict[str, str]


class OutcomeWriter(Protocol):
    """Writes outcomes to twins: only what their models declare."""

    async def tell_outcome(self, twin: str, work: ToldOutcome) -> TwinWrite:
        """Writes what the twin's model takes and does not say yet, under the ETag just read, and reads it back.

        A twin that is gone, and a property that its model does not take, are told in the result. They are no errors.

        Raises:
            Unavailable: also if the twin changed between reading and writing several times in a row.
            ActionRequired: the graph refuses our sign-in, or refuses a write without naming a property.
        """
        ...


def value_at(properties: Mapping[str, Json], theirs: str) -> Json:
    """The value of a twin's property, which may be in a component; None if it has none."""
    name, _, inner = theirs.partition(".")
    value = properties.get(name)
    if not inner:
        return value
    return value.get(inner) if isinstance(value, dict) else None
