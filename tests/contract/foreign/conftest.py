"""Servers that share none of our code, started by the test that needs one."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.contract.foreign.job_control import ForeignJobControl, Serve


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Starts a Job Control server as the variant named; it ends with the test."""
    started: list[ForeignJobControl] = []

    async def start(variant: str, *, port: int = 0, security: Mapping[str, object] | None = None) -> ForeignJobControl:
        server = await ForeignJobControl.start(variant, tmp_path, port, security)
        started.append(server)
        return server

    yield start
    for server in started:
        await server.end()
