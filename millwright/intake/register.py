"""The plant's register for reading: a snapshot in memory, with periods of validity of names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple, Self

from domain.assets import Alias, Asset, Observable, ObservableKind, PlantRegister, Retirement
from millwright.intake.parse_cache import ParseCache


class _Span(NamedTuple):
    """A half-open period: valid at `since`, no longer valid at `until`."""

    since: datetime
    until: datetime | None
    asset: str

    def holds(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


class Register:
    """Looks up assets by their names in other systems, and components by their observables. Never guesses.

    Retired assets are found by their names too, so that it can be said what became of them; see `retired_at`.

    Args:
        assets: those in force, in any order.
        aliases, observables: those of retired assets too, in any order.
        models: declared contents per DTDL model id; empty if no models were imported, and then no model is unknown.
        retired: the assets that have left the plant.
    """

    def __init__(
        self,
        assets: Iterable[Asset],
        aliases: Iterable[Alias],
        observables: Iterable[Observable],
        models: Mapping[str, Mapping[str, str]],
        retired: Iterable[Retirement] = (),
    ) -> None:
        self._assets = {asset.id: asset for asset in assets}
        self._spans: dict[tuple[str, str], list[_Span]] = defaultdict(list)
        for alias in aliases:
            span = _Span(alias.valid_from, alias.valid_to, alias.asset)
            self._spans[alias.system, alias.external_id].append(span)
        self._observables: dict[tuple[str, ObservableKind, str], Observable] = {}
        self._modes: dict[str, set[str]] = defaultdict(set)
        for observable in observables:
            self._observables[observable.machine, observable.kind, observable.name] = observable
            self._modes[observable.asset].add(observable.failure_mode)
        self._parts: dict[tuple[str, str], set[str]] = defaultdict(set)
        for asset in self._assets.values():
            if asset.machine is not None and asset.machine != asset.id:
                self._parts[asset.machine, asset.name].add(asset.id)
        self._retired: dict[str, datetime] = {}
        self._former_parts: dict[tuple[str, str], str] = {}
        for retirement in sorted(retired, key=lambda retirement: retirement.at):
            asset = retirement.asset
            self._assets[asset.id] = asset
            self._retired[asset.id] = retirement.at
            if asset.machine is not None and asset.machine != asset.id:
                self._former_parts[asset.machine, asset.name] = asset.id
        self._models = models
        self.phrases = ParseCache()
        """The parse cache of this register; the next register has a new one."""

    @classmethod
    def of(cls, plant: PlantRegister) -> Self:
        """The snapshot of one import."""
        return cls(plant.assets, plant.aliases, plant.observables, plant.models, plant.retired)

    def asset(self, asset_id: str) -> Asset | None:
        """The asset with our own id."""
        return self._assets.get(asset_id)

    def retired_at(self, asset_id: str) -> datetime | None:
        """When an asset was retired; None while it is in the plant, and for an unknown one."""
        return self._retired.get(asset_id)

    def resolve(self, system: str, external_id: str, at: datetime) -> Asset | None:
        """The asset with this name in that system at that time; None if there was none, or more than one."""
        spans = self._spans.get((system, external_id))
        if spans is None:
            return None
        if len(spans) == 1 and spans[0].holds(at):
            return self._assets.get(spans[0].asset)
        found = {span.asset for span in spans if span.holds(at)} or self._around(spans, at)
        if len(found) != 1:
            return None
        return self._assets.get(found.pop())

    def _around(self, spans: Sequence[_Span], at: datetime) -> set[str]:
        """The asset whose name had ended by then, because it was retired: it still is, or has the name again since."""
        ended = max(
            (span for span in spans if span.until is not None and span.until <= at),
            key=attrgetter("until"),
            default=None,
        )
        if ended is None:
            return set()
        following = min((span for span in spans if span.since > at), key=attrgetter("since"), default=None)
        again = following is not None and following.asset == ended.asset
        return {ended.asset} if again or ended.asset in self._retired else set()

    def part(self, machine: str, name: str) -> Asset | None:
        """The part of a machine with this name (`comp1`); the one that was retired last where it has none now."""
        found = self._parts.get((machine, name), set())
        if not found and (former := self._former_parts.get((machine, name))) is not None:
            return self._assets[former]
        return self._assets[next(iter(found))] if len(found) == 1 else None

    def observable(self, machine: str, kind: ObservableKind, name: str) -> Observable | None:
        """The component and failure mode that a signal or code of a machine indicates."""
        return self._observables.get((machine, kind, name))

    def only_failure_mode(self, asset_id: str) -> str | None:
        """The failure mode that is monitored on an asset, if it is exactly one."""
        modes = self._modes.get(asset_id, ())
        return next(iter(modes)) if len(modes) == 1 else None

    def unknown_model(self, model: str) -> bool:
        """Whether a DTDL model id was not imported."""
        return bool(self._models) and model not in self._models

    def undeclared(self, model: str | None, names: Iterable[str]) -> list[str]:
        """The names that a model's DTDL does not declare; none if the model is unknown."""
        declared = self._models.get(model) if model is not None else None
        return [] if declared is None else [name for name in names if name not in declared]
