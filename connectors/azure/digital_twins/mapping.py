"""Maps a graph of twins to the plant's register. Pure. Missing or contradictory properties are errors, never guessed.

| level     | known by             | stands in              | aliases                           |
|-----------|----------------------|------------------------|-----------------------------------|
| site      | `siteId`             | nothing                | twin                              |
| line      | `lineId` (our id)    | a site, if in anything | twin                              |
| machine   | `deviceId`           | a line                 | twin, device; CMMS and MES, or neither |
| component | `failureMode`        | a machine              | twin; CMMS where it has a number  |
| sensor    | `monitors` something | the component          | twin                              |

Other twins (crews, gateways) are left out. A machine's signals and error codes are those of its components. The
name of a machine's twin has the machines that stop with it, and its standbys, as attributes (`domain.dependents`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from connectors.azure.digital_twins.faults import SYSTEM
from connectors.azure.digital_twins.settings import TwinVocabulary
from connectors.azure.digital_twins.unreadable import readable
from domain.assets import (
    CMMS_SYSTEM,
    DEVICE_SYSTEM,
    MES_SYSTEM,
    SERIAL_ATTRIBUTE,
    TWIN_SYSTEM,
    Alias,
    Asset,
    Criticality,
    Level,
    Observable,
    ObservableKind,
    PlantRegister,
    system_of,
)
from domain.dependents import dependent_attributes
from domain.errors import ActionRequired
from domain.sensors import SensorLimits
from domain.vendor_texts import storable

_OWNER: Final = "digital_twins"
_SITE_ATTRIBUTE: Final = "siteid"
_CRITICALITIES: Final = frozenset(criticality.value for criticality in Criticality)


def plant_register(
    twins: Iterable[Mapping[str, object]],
    relationships: Iterable[Mapping[str, object]],
    models: dict[str, dict[str, str]],
    words: TwinVocabulary,
    as_of: datetime,
) -> PlantRegister:
    """The register of a graph.

    Args:
        twins, relationships: as the query API gives them, with their `$` fields.

    Raises:
        ActionRequired: a property is missing or contradicts another; the message names twin and property.
    """
    twins, relationships, unreadable = readable(twins, relationships, words)
    register = _Graph(twins, relationships, words, as_of).register(models)
    return register.model_copy(update={"unreadable": unreadable})


class _Graph:
    def __init__(
        self,
        twins: Iterable[Mapping[str, object]],
        relationships: Iterable[Mapping[str, object]],
        words: TwinVocabulary,
        as_of: datetime,
    ) -> None:
        self._words = words
        self._as_of = as_of
        self._twins = {str(twin["$dtId"]): twin for twin in twins}
        self._parent: dict[str, str] = {}
        self._monitored: dict[str, str] = {}
        self._fed: dict[str, set[str]] = {}
        self._standbys: dict[str, set[str]] = {}
        for relationship in relationships:
            source, target = str(relationship["$sourceId"]), str(relationship["$targetId"])
            if relationship["$relationshipName"] == words.contains:
                self._stands_in(target, source)
            elif relationship["$relationshipName"] == words.monitors:
                self._monitors(source, target)
            elif relationship["$relationshipName"] == words.feeds:
                self._fed.setdefault(source, set()).add(target)
            elif relationship["$relationshipName"] == words.standby:
                self._standbys.setdefault(target, set()).add(source)
        self._levels = {twin: level for twin in self._twins if (level := self._level(twin)) is not None}
        self._assets: dict[str, Asset] = {}
        self._aliases: dict[tuple[str, str], Alias] = {}
        self._observables: dict[tuple[str, ObservableKind, str], Observable] = {}

    def register(self, models: dict[str, dict[str, str]]) -> PlantRegister:
        for level in Level:
            for twin in sorted(self._levels):
                if self._levels[twin] is level:
                    self._add(twin, level)
        for twin in sorted(self._levels):
            if self._levels[twin] is Level.COMPONENT:
                self._add_observables(twin)
        return PlantRegister(
            assets=tuple(self._assets.values()),
            aliases=tuple(self._aliases.values()),
            observables=tuple(self._observables.values()),
            models=models,
        )

    def _stands_in(self, part: str, whole: str) -> None:
        other = self._parent.setdefault(part, whole)
        if other != whole:
            raise _wrong(part, self._words.contains, f"stands both in {other} and in {whole}")

    def _monitors(self, sensor: str, component: str) -> None:
        other = self._monitored.setdefault(sensor, component)
        if other != component:
            raise _wrong(sensor, self._words.monitors, f"monitors both {other} and {component}")

    def _level(self, twin: str) -> Level | None:
        properties, words = self._twins[twin], self._words
        marks = {
            Level.SITE: words.site in properties,
            Level.LINE: words.line in properties,
            Level.MACHINE: words.device in properties and (twin in self._parent or self._is_integrated(twin)),
            Level.COMPONENT: words.failure_mode in properties,
            Level.SENSOR: twin in self._monitored,
        }
        levels = [level for level, marked in marks.items() if marked]
        if len(levels) > 1:
            raise _wrong(twin, _mark(levels[1], words), f"is both a {levels[0]} and a {levels[1]}")
        if not levels:
            self._must_not_lack_its_mark(twin)
            return None
        return levels[0]

    def _must_not_lack_its_mark(self, twin: str) -> None:
        """Other twins are left out. A twin in the place and with the properties of a machine or component is an
        error."""
        whole, properties, words = self._twins.get(self._parent.get(twin, ""), {}), self._twins[twin], self._words
        if words.line in whole and properties.keys() & {words.mes_equipment, words.asset_class, words.criticality}:
            raise _wrong(twin, words.device, "is missing")
        if words.device in whole and properties.keys() & {words.confirming_codes, words.signal}:
            raise _wrong(twin, words.failure_mode, "is missing")

    def _add(self, twin: str, level: Level) -> None:
        words = self._words
        parent = self._parent_asset(twin, level)
        asset_id = self._text(twin, words.line) if level is Level.LINE else twin
        if asset_id in self._assets:
            raise _wrong(twin, _mark(level, words), f"is {asset_id}, like that of another twin")
        machine = parent.machine if parent else None
        asset = Asset(
            id=asset_id,
            level=level,
            name=self._optional(twin, words.name) or asset_id,
            parent=parent.id if parent else None,
            site=asset_id if level is Level.SITE else parent.site if parent else None,
            line=asset_id if level is Level.LINE else parent.line if parent else None,
            machine=asset_id if level is Level.MACHINE else machine,
            asset_class=self._optional(twin, words.asset_class) if level is Level.MACHINE else _inherited(parent),
            criticality=self._criticality(twin) if level is Level.MACHINE else parent.criticality if parent else None,
            model=self._optional(twin, words.model_name),
        )
        self._assets[asset_id] = asset
        attributes = self._dependents(twin, level) | self._serial_number(twin, level)
        self._add_alias(TWIN_SYSTEM, twin, asset, twin, "$dtId", attributes)
        if level is Level.MACHINE:
            self._add_alias(DEVICE_SYSTEM, self._text(twin, words.device), asset, twin, words.device)
            if self._is_integrated(twin):
                self._text(twin, words.asset_class)
                mes = self._instance(twin, MES_SYSTEM, words.mes_instance)
                self._add_alias(mes, self._text(twin, words.mes_equipment), asset, twin, words.mes_equipment)
                self._add_cmms(twin, asset, self._text(twin, words.cmms_asset))
        elif level is Level.COMPONENT:
            number = self._optional(twin, words.cmms_asset)
            if number is not None:
                self._add_cmms(twin, asset, number)

    def _dependents(self, twin: str, level: Level) -> dict[str, str]:
        """Of a machine: those that stop with it, also through others, and its standbys with their names in the MES."""
        if level is not Level.MACHINE:
            return {}
        stops, waiting = {twin}, [twin]
        while waiting:
            fed = self._machines(self._fed.get(waiting.pop(), ())) - stops
            stops |= fed
            waiting += fed
        standbys = self._machines(self._standbys.get(twin, ())) - {twin}
        equipment = {name: self._optional(name, self._words.mes_equipment) or "" for name in standbys}
        return dependent_attributes(stops - {twin}, equipment)

    def _serial_number(self, twin: str, level: Level) -> dict[str, str]:
        """Of a machine or component: its manufacturer's serial number, if the twin has one that can be stored."""
        found = self._twins[twin].get(self._words.serial_number)
        if level not in (Level.MACHINE, Level.COMPONENT) or not isinstance(found, str | int) or isinstance(found, bool):
            return {}
        serial = str(found).strip()
        return {SERIAL_ATTRIBUTE: serial} if serial and storable(serial) == serial else {}

    def _machines(self, twins: Iterable[str]) -> set[str]:
        return {twin for twin in twins if self._levels.get(twin) is Level.MACHINE}

    def _parent_asset(self, twin: str, level: Level) -> Asset | None:
        wanted = _ABOVE[level]
        if wanted is None:
            return None
        sensor = level is Level.SENSOR
        name = self._monitored[twin] if sensor else self._parent.get(twin)
        if name is None and level is Level.LINE:
            return None
        place = self._words.monitors if sensor else self._words.contains
        if name is None or self._levels.get(name) is not wanted:
            raise _wrong(twin, place, f"stands in no {wanted}" if not sensor else f"{name} is no {wanted}")
        return self._assets[self._text(name, self._words.line) if wanted is Level.LINE else name]

    def _add_cmms(self, twin: str, asset: Asset, number: str) -> None:
        site = self._optional(twin, self._words.cmms_site)
        attributes = {} if site is None else {_SITE_ATTRIBUTE: site}
        system = self._instance(twin, CMMS_SYSTEM, self._words.cmms_instance)
        self._add_alias(system, number, asset, twin, self._words.cmms_asset, attributes)

    def _instance(self, twin: str, kind: str, word: str) -> str:
        """The crosswalk's word for the system in which a twin's name counts: one instance where the twin names one."""
        instance = self._optional(twin, word)
        return kind if instance is None else system_of(kind, instance)

    def _add_alias(
        self, system: str, name: str, asset: Asset, twin: str, place: str, attributes: dict[str, str] | None = None
    ) -> None:
        alias = Alias(
            system=system,
            external_id=name,
            asset=asset.id,
            valid_from=self._as_of,
            owner=_OWNER,
            attributes=attributes or {},
        )
        other = self._aliases.setdefault((system, name), alias)
        if other is not alias:
            raise _wrong(twin, place, f"is {name}, like that of {other.asset}")

    def _add_observables(self, twin: str) -> None:
        words, machine = self._words, self._assets[twin].machine
        if machine is None:
            raise _wrong(twin, words.contains, "stands in no machine")
        mode = self._text(twin, words.failure_mode)
        sensors = [name for name, component in self._monitored.items() if component == twin]
        signals: dict[str, str | None] = {self._text(sensor, words.signal): sensor for sensor in sorted(sensors)}
        own = self._optional(twin, words.signal)
        if own is not None:
            signals.setdefault(own, None)
        for signal, sensor in signals.items():
            observable = Observable(
                machine=machine,
                kind=ObservableKind.SIGNAL,
                name=signal,
                asset=twin,
                failure_mode=mode,
                unit=self._optional(sensor, words.unit) if sensor else None,
                normal_mean=self._number(sensor, words.normal_mean) if sensor else None,
                normal_sd=self._number(sensor, words.normal_sd) if sensor else None,
                limits=self._limits(sensor) if sensor else None,
            )
            self._add_observable(observable, words.signal)
        codes = self._optional(twin, words.confirming_codes) or ""
        for code in filter(None, (part.strip() for part in codes.split(","))):
            seen = Observable(machine=machine, kind=ObservableKind.CODE, name=code, asset=twin, failure_mode=mode)
            self._add_observable(seen, words.confirming_codes)

    def _limits(self, sensor: str) -> SensorLimits | None:
        words = self._words
        low, high, rate = (self._number(sensor, name) for name in (words.lowest, words.highest, words.max_rate))
        if low is None and high is None and rate is None:
            return None
        return SensorLimits(sensor=sensor, low=low, high=high, max_rate=rate, unit=self._optional(sensor, words.unit))

    def _add_observable(self, observable: Observable, place: str) -> None:
        key = (observable.machine, observable.kind, observable.name)
        other = self._observables.setdefault(key, observable)
        if other.asset != observable.asset:
            raise _wrong(observable.asset, place, f"names {observable.name}, which tells of {other.asset} already")

    def _is_integrated(self, twin: str) -> bool:
        """Whether a machine has a name in the other systems; then it must have a name in all. Others are only
        monitored."""
        words = self._words
        return bool(self._twins[twin].keys() & {words.criticality, words.cmms_asset, words.mes_equipment})

    def _criticality(self, twin: str) -> Criticality | None:
        if not self._is_integrated(twin):
            return None
        value = self._text(twin, self._words.criticality)
        if value not in _CRITICALITIES:
            raise _wrong(twin, self._words.criticality, f"is {value}, and none of A, B, C, D")
        return Criticality(value)

    def _text(self, twin: str, name: str) -> str:
        value = self._optional(twin, name)
        if value is None:
            raise _wrong(twin, name, "is missing")
        return value

    def _optional(self, twin: str, name: str) -> str | None:
        value = self._twins[twin].get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise _wrong(twin, name, "is no text")
        return value

    def _number(self, twin: str, name: str) -> float | None:
        value = self._twins[twin].get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(twin, name, "is no number")
        return float(value)


_ABOVE: Final[Mapping[Level, Level | None]] = {
    Level.SITE: None,
    Level.LINE: Level.SITE,
    Level.MACHINE: Level.LINE,
    Level.COMPONENT: Level.MACHINE,
    Level.SENSOR: Level.COMPONENT,
}


def _inherited(parent: Asset | None) -> str | None:
    return parent.asset_class if parent else None


def _mark(level: Level, words: TwinVocabulary) -> str:
    marks = {
        Level.SITE: words.site,
        Level.LINE: words.line,
        Level.MACHINE: words.device,
        Level.COMPONENT: words.failure_mode,
        Level.SENSOR: words.monitors,
    }
    return marks[level]


def _wrong(twin: str, name: str, problem: str) -> ActionRequired:
    return ActionRequired(f"twin {twin}: {name} {problem}", system=SYSTEM, operation="read-register", field=name)
