"""A small plant for tests: one machine with two components, its observables, and events about them."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.anomaly import Anomaly, AnomalyKind, Received
from domain.approvals import ACTIVATE, APPROVE, SHADOW
from domain.assets import Alias, Asset, Criticality, Level, Observable, ObservableKind, PlantRegister
from domain.assigning import EVERYWHERE
from domain.canonical import timestamp
from domain.keys import signed_statement
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.lifecycle import Lifecycle
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.signatures import Signature
from millwright.storage.policies.versions import VersionStore
from policies.engine.catalogue import Catalogue
from tests.support.people import add
from tests.support.prepared_rows import prepared

START = datetime(2015, 1, 10, 6, tzinfo=UTC)
PUMP = "machine-001-comp1"
MOTOR = "machine-001-comp2"
LINE = "LINE-1"
_sequence = itertools.count(1)


class TestClock:
    """A clock that moves only when it is set."""

    __test__ = False

    def __init__(self, now: datetime = START) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


def register(criticality: Criticality = Criticality.B) -> PlantRegister:
    """Site, line, one machine, and two of its components."""
    common = {"site": "BEDFORD", "line": LINE, "machine": "machine-001", "asset_class": "pump"}
    machine = Asset(
        id="machine-001", level=Level.MACHINE, name="Machine 1", parent=LINE, criticality=criticality, **common
    )
    parts = [
        Asset(
            id=f"machine-001-comp{n}",
            level=Level.COMPONENT,
            name=f"Machine 1 component {n}",
            parent="machine-001",
            criticality=criticality,
            **common,
        )
        for n in (1, 2)
    ]
    aliases = [
        Alias(system="device", external_id="PDM-001", asset="machine-001", valid_from=START),
        Alias(system="mes", external_id="EQ-001", asset="machine-001", valid_from=START),
        *(Alias(system="twin", external_id=asset.id, asset=asset.id, valid_from=START) for asset in (machine, *parts)),
        *(
            Alias(
                system="cmms",
                external_id=f"M001-COMP{n}",
                asset=f"machine-001-comp{n}",
                valid_from=START,
                attributes={"siteid": "BEDFORD"},
            )
            for n in (1, 2)
        ),
    ]
    seen = [
        ("signal", "volt", PUMP, "PDE"),
        ("code", "error1", PUMP, "PDE"),
        ("signal", "rotate", MOTOR, "LOO"),
        ("code", "error2", MOTOR, "LOO"),
        ("code", "error3", MOTOR, "LOO"),
    ]
    observables = [
        Observable(machine="machine-001", kind=ObservableKind(kind), name=name, asset=asset, failure_mode=mode)
        for kind, name, asset, mode in seen
    ]
    return PlantRegister(
        assets=(
            Asset(id="BEDFORD", level=Level.SITE, name="Bedford", site="BEDFORD"),
            Asset(id=LINE, level=Level.LINE, name="Line 1", parent="BEDFORD", site="BEDFORD", line=LINE),
            machine,
            *parts,
        ),
        aliases=tuple(aliases),
        observables=tuple(observables),
    )


def register_elsewhere() -> PlantRegister:
    """One machine of another class, on another line at another site."""
    machine = Asset(
        id="machine-002",
        level=Level.MACHINE,
        name="Machine 2",
        parent="LINE-2",
        site="LUTON",
        line="LINE-2",
        machine="machine-002",
        asset_class="robot",
    )
    line = Asset(id="LINE-2", level=Level.LINE, name="Line 2", parent="LUTON", site="LUTON", line="LINE-2")
    site = Asset(id="LUTON", level=Level.SITE, name="Luton", site="LUTON")
    return PlantRegister(assets=(site, line, machine), aliases=(), observables=())


def deviation(hours: float, *, asset: str = PUMP, score: float = 6.0, external_id: str | None = None) -> Received:
    """A detector's row, so many hours after the start."""
    mode, signal = ("PDE", "volt") if asset == PUMP else ("LOO", "rotate")
    anomaly = Anomaly(
        kind=AnomalyKind.DEVIATION,
        asset=asset,
        failure_mode=mode,
        at=START + timedelta(hours=hours),
        detector=f"adx:{signal}",
        signal=signal,
        value=190.0,
        score=score,
        baseline=171.0,
        unit="V",
    )
    return received(anomaly, f"{asset}|{signal}|{timestamp(anomaly.at)}", external_id)


def code(hours: float, name: str = "error1", *, asset: str = PUMP, external_id: str | None = None) -> Received:
    """A device's error code, so many hours after the start."""
    anomaly = Anomaly(
        kind=AnomalyKind.CODE,
        asset=asset,
        failure_mode="PDE" if asset == PUMP else "LOO",
        at=START + timedelta(hours=hours),
        detector="device",
        code=name,
    )
    return received(anomaly, f"{asset}|{name}|{timestamp(anomaly.at)}", external_id)


def alarm_by_hand(hours: float = 1) -> Received:
    """An alarm that a person raised, so many hours after the start: its case waits for a review."""
    anomaly = Anomaly(
        kind=AnomalyKind.MANUAL,
        asset=PUMP,
        failure_mode="PDE",
        at=START + timedelta(hours=hours),
        detector="manual:ines",
        text="It hums.",
        raised_by="ines",
    )
    return received(anomaly, f"manual|{hours}")


def received(anomaly: Anomaly, natural_key: str, external_id: str | None = None) -> Received:
    """A message that carries an anomaly, as it is received."""
    number = next(_sequence)
    return Received(
        ingress="test",
        sequence=number,
        source="tests",
        external_id=external_id or f"e{number}",
        type="test",
        subject=anomaly.asset,
        received_at=START,
        raw=b"{}",
        natural_key=natural_key,
        at=anomaly.at,
        anomaly=anomaly,
        line=LINE,
    )


def signature(
    key: Ed25519PrivateKey, person: str, digest: str, act: str, at: datetime, meaning: str | None = None
) -> Signature:
    """A person's signature over a policy version."""
    said = meaning or f"I {act} this version"
    signed = key.sign(signed_statement(digest, act, said, timestamp(at), person))
    return Signature(act, person, said, at, signed.hex(), key.public_key().public_bytes_raw().hex())


PLANT_PEOPLE = {
    "ines": "planner",
    "kim": "planner",
    "mona": "planner",
    "pat": "planner",
    "paula": "planner",
    "petra": "production",
    "pia": "planner",
    "quinn": "quality",
}
"""People who work in the plant, and the role of each."""
_API_KEYS = {"petra": "production", "quinn": "quality"}
"""API keys without spaces, for the command line."""


UNASKED = "holds: { place_unasked: [pump, robot] }\n"
"""The clause by which holds are placed without asking production. The shipped versions do not have it."""


@cache
def _published(numbers: frozenset[str], more: str) -> Catalogue:
    """Shipped versions with a further clause. They are compiled once for all tests of a process."""
    amended = Catalogue()
    for number in sorted(numbers):
        amended.load(Catalogue.published().find("rotating-equipment", number).text + more, file=f"{number}.yaml")
    return amended


async def add_people(people: PeopleStore, roles: Mapping[str, str]) -> None:
    """Registers people, each with one role."""
    for name, role in roles.items():
        await add(people, name, [role], START, api_key=_API_KEYS.get(name))


async def publish_policies(
    versions: VersionStore,
    people: PeopleStore,
    *,
    active: str = "1.1.0",
    shadow: str | None = "1.0.0",
    more: str = UNASKED,
) -> dict[str, str]:
    """Publishes and approves 1.0.0, 1.1.0 and the versions that are assigned; gives the digests by version.

    Args:
        more: a clause that the versions have beyond the shipped ones.
    """
    kind = ("policies", active, shadow, more)
    return dict(await prepared(versions.engine, kind, lambda: _publish(versions, people, active, shadow, more)))


async def _publish(
    versions: VersionStore, people: PeopleStore, active: str, shadow: str | None, more: str
) -> dict[str, str]:
    approver = (await add(people, "grace", ["approver"], START)).signing_key
    operator = (await add(people, "olaf", ["operator"], START)).signing_key
    await add_people(people, PLANT_PEOPLE)
    lifecycle = Lifecycle(versions.engine, TestClock(START))
    compiled = _published(frozenset({"1.0.0", "1.1.0", active}), more).versions
    for version in compiled:
        document = version.document
        await versions.publish(
            digest=version.digest,
            policy=document.policy,
            version=document.version,
            document=version.text,
            author=document.author,
            now=START,
        )
        await lifecycle.approve(version.digest, signature(approver, "grace", version.digest, APPROVE, START))
    digests = {version.document.version: version.digest for version in compiled}
    wanted = {ACTIVATE: active} | ({SHADOW: shadow} if shadow is not None else {})
    for act, number in wanted.items():
        terms = Placing(act, (EVERYWHERE,), START - timedelta(days=365), "first light")
        given = signature(operator, "olaf", digests[number], act, START, terms.meaning)
        await lifecycle.place(digests[number], terms, given)
    return digests
