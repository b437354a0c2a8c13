"""What the Job Control connector says of servers that are no Job Control servers."""

import pytest
from asyncua import Server

from connectors.mes.opcua_job_control import JobControlSettings, connect
from connectors.mes.opcua_job_control.models import FIRST_NAMESPACE, NAMESPACE
from domain.errors import ActionRequired, Unavailable


async def test_a_server_without_job_control_needs_a_person_who_is_told_what_is_missing() -> None:
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0")
    async with server:
        port = server.bserver.port
        mes = connect(JobControlSettings(url=f"opc.tcp://127.0.0.1:{port}"), system="mes")
        for namespace, words in [
            ("urn:other", "nothing of it"),
            (FIRST_NAMESPACE, "only version 1"),
            (NAMESPACE, "no job order receiver"),
        ]:
            await server.register_namespace(namespace)
            with pytest.raises(ActionRequired, match=words) as caught:
                await mes.check()
            assert caught.value.field == "url"
        await mes.close()


async def test_an_address_where_nothing_answers_is_named() -> None:
    with pytest.raises(Unavailable, match=r"nothing answers at opc\.tcp://127\.0\.0\.1:1"):
        await connect(JobControlSettings(url="opc.tcp://127.0.0.1:1"), system="mes").check()
