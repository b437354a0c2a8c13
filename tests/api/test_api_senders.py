"""A sender sends only events of the sources and types that an administrator bound it to."""

from collections.abc import Mapping
from dataclasses import replace

import httpx
import orjson
import pytest
from fastapi import FastAPI

from domain.errors import ActRejected
from domain.people import ROLES_ACT, PersonAct
from domain.senders import ALARM, ANY, PERSONS_ALARMS, Binding
from millwright.api.app import create_app
from millwright.audit.verifying import verify
from millwright.bootstrap import Storage
from millwright.settings import Settings
from tests.api.conftest import Caller
from tests.support.ingress import NOW, TELEMETRY, cloud_event, row, rows
from tests.support.people import ADMINISTRATOR, add, key_of, signs

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
SINGLE = {"Content-Type": "application/cloudevents+json"}
BOUND = Binding(sources=("tests/adx", "plant/"), types=(TELEMETRY,))


async def send(
    app: FastAPI, caller: Caller, sender: str, body: object, headers: Mapping[str, str] = SINGLE
) -> httpx.Response:
    signed = {"Authorization": f"Bearer key of {sender}", **headers}
    async with caller(app, "203.0.113.7", headers=signed) as client:
        return await client.post("/events", content=orjson.dumps(body))


@pytest.fixture
async def remote_app(storage: Storage, settings: Settings) -> FastAPI:
    """An API that is not in local mode, with two bound senders."""
    await add(storage.people, "gateway", ["ingest"], NOW, binding=BOUND)
    await add(storage.people, "broker", ["ingest"], NOW)
    return create_app(storage, settings, None, None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"source": "tests/other"}, "source"),
        ({"source": "plant"}, "source"),
        ({"source": PERSONS_ALARMS}, "source"),
        ({"source": "http/broker"}, "source"),
        ({"source": "http/gateway"}, "source"),
        ({"type": ALARM}, "type"),
        ({"type": "Microsoft.DigitalTwins.Twin.Update"}, "type"),
    ],
)
async def test_an_event_of_a_foreign_source_or_type_is_refused_and_not_stored(
    remote_app: FastAPI, storage: Storage, caller: Caller, changed: dict[str, object], field: str
) -> None:
    reply = await send(remote_app, caller, "gateway", cloud_event(row(1), "e-1", **changed))
    assert (reply.status_code, reply.json()["field"]) == (403, field)
    assert "which may send" in reply.json()["detail"]
    assert await rows(storage.engine, "SELECT id FROM events") == []


async def test_the_other_events_of_a_batch_are_taken(remote_app: FastAPI, storage: Storage, caller: Caller) -> None:
    batch = [
        cloud_event(row(1), "own"),
        cloud_event(row(2), "foreign", source="tests/other"),
        cloud_event(row(3), "below", source="plant/hall-2"),
        {"specversion": "1.0", "type": TELEMETRY, "id": "nameless"},
    ]
    reply = await send(remote_app, caller, "gateway", batch, BATCH)
    assert reply.status_code == 202
    told = {item["id"]: item["status"] for item in reply.json()["items"]}
    assert (told.pop("own"), told.pop("foreign"), told.pop("below")) == ("accepted", "refused", "accepted")
    assert list(told.values()) == ["quarantined"]
    assert (reply.json()["accepted"], reply.json()["refused"], reply.json()["duplicates"]) == (3, 1, 0)
    stored = await rows(storage.engine, "SELECT source, ingress FROM events ORDER BY source")
    assert stored == [
        ("http/gateway", "http/gateway"),
        ("plant/hall-2", "http/gateway"),
        ("tests/adx", "http/gateway"),
    ]


async def test_every_type_does_not_include_what_persons_report(
    remote_app: FastAPI, storage: Storage, caller: Caller
) -> None:
    said = {"asset": "machine-001", "component": "comp1", "text": "it hums", "raised_by": "pat"}
    alarm = cloud_event(said, "a-1", type=ALARM)
    refused = await send(remote_app, caller, "broker", alarm)
    assert (refused.status_code, refused.json()["field"]) == (403, "type")
    named = Binding(sources=(ANY,), types=(ALARM,))
    await add(storage.people, "mes", ["ingest"], NOW, binding=named)
    remote_app.state.deps.keys = create_app(storage, Settings(), None, None).state.deps.keys
    assert (await send(remote_app, caller, "mes", alarm)).status_code == 202
    imitated = await send(remote_app, caller, "mes", alarm | {"source": PERSONS_ALARMS})
    assert (imitated.status_code, imitated.json()["field"]) == (403, "source")


async def test_a_sender_of_an_earlier_build_is_refused_until_it_is_bound(
    remote_app: FastAPI, storage: Storage, settings: Settings, caller: Caller
) -> None:
    async with storage.engine.begin() as connection:
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        await connection.exec_driver_sql("UPDATE person_roles SET sources = NULL, types = NULL")
    reply = await send(remote_app, caller, "gateway", cloud_event(row(1), "e-1"))
    assert (reply.status_code, reply.json()["detail"]) == (
        403,
        "gateway is bound to no sources and types, so it may send nothing",
    )
    assert "millwright people roles gateway --role ingest --source" in reply.json()["fix"]
    terms = {"roles": ("ingest",), "sources": ("tests/adx",), "types": (TELEMETRY,)}
    assert await signs(storage.people, ADMINISTRATOR, ROLES_ACT, "gateway", NOW, **terms)
    bound = create_app(storage, settings, None, None)
    assert (await send(bound, caller, "gateway", cloud_event(row(1), "e-1"))).status_code == 202


async def test_a_sender_hints_only_at_the_systems_that_it_is_bound_to(
    remote_app: FastAPI, storage: Storage, caller: Caller
) -> None:
    await add(storage.people, "maximo.hook", ["ingest"], NOW, binding=Binding(sources=("hints/",), types=("hint",)))
    statuses = {}
    for sender in ("gateway", "maximo.hook"):
        async with caller(remote_app, headers={"Authorization": f"Bearer key of {sender}"}) as client:
            statuses[sender] = (await client.post("/hints/maximo")).status_code
    assert statuses == {"gateway": 403, "maximo.hook": 202}


async def test_only_the_sender_of_a_quarantined_event_corrects_it(
    remote_app: FastAPI, storage: Storage, caller: Caller
) -> None:
    await send(remote_app, caller, "gateway", cloud_event(row(3, score=-1), "bad"))
    other = await send(remote_app, caller, "broker", cloud_event(row(3), "bad"))
    assert other.json()["items"][0]["status"] == "accepted"
    fates = await rows(storage.engine, "SELECT ingress, fate FROM events ORDER BY id")
    assert fates == [("http/gateway", "quarantined"), ("http/broker", "decided")]
    await send(remote_app, caller, "gateway", cloud_event(row(4, score=-1), "worse"))
    own = await send(remote_app, caller, "gateway", cloud_event(row(4), "worse"))
    assert own.json()["items"][0]["status"] == "redriven"
    acts = await rows(storage.engine, "SELECT kind, actor FROM acts WHERE subject LIKE 'event/%'")
    assert acts == [("event-corrected", "gateway")]
    assert (await verify(storage.engine)).findings == ()


async def test_a_redrive_in_the_name_of_a_sender_is_refused_in_storage(storage: Storage, remote_app: FastAPI) -> None:
    from millwright.intake.redrive import redrive

    assert remote_app is not None
    async with storage.engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO events (ingress, sequence, source, external_id, received_at, raw, fate, reason) "
            "VALUES ('http/gateway', 1, 'tests/adx', 'bad', now(), '{}', 'quarantined', 'no')"
        )
    ((number,),) = await rows(storage.engine, "SELECT id FROM events")
    with pytest.raises(ActRejected, match="gateway may not do this"):
        await redrive(storage, int(str(number)), "gateway")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"roles": ("ingest",)}, "sources"),
        ({"roles": ("ingest",), "sources": ("a",)}, "types"),
        ({"roles": ("ingest",), "sources": ("a\n",), "types": (ANY,)}, "sources"),
        ({"roles": ("ingest",), "sources": (PERSONS_ALARMS,), "types": (ANY,)}, "sources"),
        ({"roles": ("ingest", "reader"), "sources": ("a",), "types": (ANY,)}, "roles"),
        ({"roles": ("reader",), "sources": ("a",)}, "sources"),
    ],
)
async def test_a_binding_that_says_nothing_or_too_much_is_refused(
    remote_app: FastAPI, storage: Storage, terms: dict[str, tuple[str, ...]], field: str
) -> None:
    assert remote_app is not None
    with pytest.raises(ActRejected) as refused:
        await signs(storage.people, ADMINISTRATOR, ROLES_ACT, "gateway", NOW, **terms)
    assert refused.value.field == field


async def test_the_binding_is_signed_and_another_one_is_refused(remote_app: FastAPI, storage: Storage) -> None:
    assert remote_app is not None
    act = PersonAct(ROLES_ACT, "gateway", ADMINISTRATOR, NOW, roles=("ingest",), sources=("a",), types=("b",))
    signature = key_of(ADMINISTRATOR).sign(act.text.encode()).hex()
    with pytest.raises(ActRejected, match="signature"):
        await storage.people.sign(replace(act, sources=(ANY,)), signature, NOW)


@pytest.mark.parametrize("column", ["sources", "types"])
async def test_an_altered_binding_is_named(remote_app: FastAPI, storage: Storage, column: str) -> None:
    assert remote_app is not None
    async with storage.engine.begin() as connection:
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        await connection.exec_driver_sql(f"UPDATE person_roles SET {column} = '[\"*\"]' WHERE person = 'gateway'")
    found = [(finding.where, finding.what) for finding in (await verify(storage.engine)).findings]
    assert found == [("person gateway", "roles is not as recorded")]
