"""People of quality read and review suspect lots on the command line."""

import asyncio
from pathlib import Path

import pytest

from millwright.bootstrap import open_storage
from millwright.settings import Settings
from tests.api.test_api_suspect_lots import LOTS
from tests.cli.conftest import Millwright
from tests.support.ingress import NOW, set_clock
from tests.support.proposed_hold import propose_hold

QUINN = ("--key", "quality")


@pytest.fixture(params=[True, False])
def known(request: pytest.FixtureRequest) -> bool:
    """Whether the MES said which lots the machine made."""
    return bool(request.param)


@pytest.fixture
def case(
    millwright: Millwright, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> str:
    set_clock(tmp_path, NOW)
    clock = f"file:{tmp_path / 'clock'}"
    monkeypatch.setenv("MILLWRIGHT_CLOCK", clock)
    settings = Settings.model_validate({"home": millwright.home, "database_url": database_url, "clock": clock})
    lots = LOTS if known else LOTS.model_copy(update={"lots": None, "not_known": "mes did not say"})

    async def done() -> str:
        async with open_storage(settings) as storage:
            opened = await propose_hold(storage)
            await storage.suspect_lots.keep(opened, lots)
            return opened

    return asyncio.run(done())


def test_quality_lists_shows_and_reviews(millwright: Millwright, case: str, known: bool) -> None:
    listed = millwright.says("lots", "list")
    assert case in listed
    assert ("not known" in listed) is not known
    shown = millwright.says("lots", "show", case)
    assert ("LOT-1" in shown) is known
    assert ("mes did not say" in shown) is not known
    said = millwright.says("lots", "review", case, "--note", "blocked, see NC-7", *QUINN)
    assert said == f"quinn reviewed the suspect lots of {case}.\n"
    assert millwright.says("lots", "list") == "No lots are suspect.\n"
    assert "quinn" in millwright.says("lots", "list", "--all")
    assert "blocked, see NC-7" in millwright.says("lots", "show", case)
    assert millwright("audit", "verify").exit_code == 0


def test_production_reviews_nothing(millwright: Millwright, case: str) -> None:
    refused = millwright("lots", "review", case, "--note", "fine", "--key", "production")
    assert refused.exit_code != 0
