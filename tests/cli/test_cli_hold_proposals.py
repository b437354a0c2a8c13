"""Production answers proposed holds on the command line."""

import asyncio
from pathlib import Path

import pytest

from domain.hold_proposals import OnSilence
from millwright.bootstrap import open_storage
from millwright.settings import Settings
from tests.cli.conftest import Millwright
from tests.support.ingress import NOW, set_clock
from tests.support.proposed_hold import propose_hold

PETRA = ("--key", "production")


@pytest.fixture(params=[OnSilence.ESCALATE])
def case(
    millwright: Millwright,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> str:
    set_clock(tmp_path, NOW)
    clock = f"file:{tmp_path / 'clock'}"
    monkeypatch.setenv("MILLWRIGHT_CLOCK", clock)
    settings = Settings.model_validate({"home": millwright.home, "database_url": database_url, "clock": clock})

    async def done() -> str:
        async with open_storage(settings) as storage:
            return await propose_hold(storage, request.param)

    return asyncio.run(done())


def test_production_lists_what_is_proposed_and_accepts_it(millwright: Millwright, case: str) -> None:
    listed = millwright.says("hold", "proposals")
    assert case in listed
    assert "not answered; without an answer nothing is placed" in listed
    said = millwright.says("hold", "accept", case, *PETRA)
    assert said.startswith(f"petra accepted the hold for {case} from ")
    assert millwright.says("hold", "proposals") == "No hold is proposed.\n"
    assert "accepted by petra from " in millwright.says("hold", "proposals", "--all")
    shown = millwright.says("case", "show", case)
    assert "proposed to production, accepted by petra from " in shown
    assert "hold-answered" in shown
    assert millwright("audit", "verify").exit_code == 0


def test_production_sets_another_time(millwright: Millwright, case: str) -> None:
    said = millwright.says(
        "hold", "accept", case, "--from", "2015-01-16T05:00:00+01:00", "--reason", "after J-7", *PETRA
    )
    assert said == f"petra accepted the hold for {case} from 2015-01-16 04:00 UTC.\n"


def test_production_refuses_with_a_reason_and_the_case_shows_it(millwright: Millwright, case: str) -> None:
    said = millwright.says("hold", "refuse", case, "--reason", "a rush order", *PETRA)
    assert said == f"petra refused the hold for {case}. Nothing is held, and the order is noted.\n"
    assert "refused by petra: a rush order" in millwright.says("case", "show", case)


def test_an_answer_is_read_as_json(millwright: Millwright, case: str) -> None:
    assert [each["case"] for each in millwright.json("hold", "proposals")] == [case]
    told = millwright.json("hold", "accept", case, *PETRA)
    assert (told["accepted"], told["by"]) == (True, "petra")
    assert millwright.json("hold", "refuse", case, "--reason", "no", *PETRA)["accepted"] is False


def test_an_answer_needs_the_role_a_reason_and_a_time_to_come(millwright: Millwright, case: str) -> None:
    assert "needs the role production" in millwright.refuses("hold", "accept", case, "--key", "planner")
    assert millwright.refuses("hold", "refuse", case, "--reason", " ", *PETRA) == "reason: is empty (say why)"
    past = millwright.refuses("hold", "accept", case, "--from", "2015-01-01T05:00:00Z", *PETRA)
    assert past == "hold_at: is past (give a time to come, or none to accept the proposed time)"
    assert "hold_at" in millwright.refuses("hold", "accept", case, "--from", "tomorrow", *PETRA)


@pytest.mark.parametrize("case", [OnSilence.PLACE], indirect=True)
def test_the_list_says_what_follows_silence(millwright: Millwright, case: str) -> None:
    assert case in millwright.says("hold", "proposals")
    assert "without an answer it is placed" in millwright.says("hold", "proposals")
