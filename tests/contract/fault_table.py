"""Writes the table of `docs/connector-faults.md` from a run of the faults: `make connector-faults`."""

import asyncio
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from millwright.connector_trial.behaviour import Behaviour
from millwright.connector_trial.behaviours import BEHAVIOURS
from millwright.connector_trial.disturbing import DISTURBING
from millwright.connector_trial.running import TrialOutcome, TriedBehaviour, try_behaviour
from tests.contract.conftest import CMMS_PLANTS
from tests.contract.trial_of_plant import trial_of

PAGE: Final = Path(__file__).parents[2] / "docs" / "connector-faults.md"
MARK: Final = "<!-- Below: written by `make connector-faults`. -->\n"
_BESIDE: Final = (
    "eight_workers_make_one_order",
    "a_request_sent_twice_makes_one_order",
    "an_unknown_asset_needs_a_person",
    "a_title_of_300_characters_is_taken",
    "texts_beyond_every_limit_are_shortened",
    "an_unknown_status_ends_no_order",
    "wrong_credentials_need_a_person",
    "no_secret_is_told",
)
"""Behaviours about bad input and races, which need no fault on the wire."""

SHOWN: Final[tuple[Behaviour, ...]] = (*DISTURBING, *(each for each in BEHAVIOURS if each.id in _BESIDE))


async def table() -> str:
    """The table in Markdown: a row for each behaviour, a column for each plant of the sandbox."""
    columns = [await _column(name) for name in CMMS_PLANTS]
    lines = [f"| what happens, and what must follow | {' | '.join(CMMS_PLANTS)} |", "|---|" + "---|" * len(CMMS_PLANTS)]
    for row, behaviour in enumerate(SHOWN):
        sentence = behaviour.sentence.replace("<", "&lt;").replace(">", "&gt;")
        lines.append(f"| {sentence} | {' | '.join(cell(column[row]) for column in columns)} |")
    return "\n".join(lines) + "\n"


def cell(tried: TriedBehaviour) -> str:
    """What a plant showed, in words: the outcome, and how the disturbed calls ended."""
    if tried.outcome is not TrialOutcome.PASSED:
        return tried.outcome.value.replace("_", " ")
    ends = [kind for kind, _ in groupby(call.kind for call in tried.told)]
    return f"kept: {', '.join(ends).replace('_', ' ')}" if ends else "kept"


async def _column(name: str) -> Sequence[TriedBehaviour]:
    with tempfile.TemporaryDirectory() as folder:
        plant = CMMS_PLANTS[name](Path(folder))
        await plant.start()
        trial = trial_of(plant)
        column = [await try_behaviour(trial, behaviour) for behaviour in SHOWN]
        await trial.clean_up(last=True)
        await trial.close()
        await plant.stop()
    return column


def written() -> str:
    """The table as the page has it now."""
    return PAGE.read_text(encoding="utf-8").partition(MARK)[2].strip() + "\n"


if __name__ == "__main__":
    head, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(f"{head}{mark}\n{asyncio.run(table())}", encoding="utf-8")
