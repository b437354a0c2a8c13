"""The page on architecture names what is there, and nothing that is not."""

import re
from pathlib import Path

import pytest
from temporalio import activity, workflow

from activities.holds import Holds
from activities.line_judging import LineJudging
from activities.machine_states import MachineStates
from activities.mes_calls import MesCalls
from activities.order_changes import OrderChanges
from activities.outcomes import Outcomes
from activities.proposals import Proposals
from activities.routes import Routes
from activities.suspect_lots import LotLists
from activities.walk_downs import WalkDownSteps
from activities.work_orders import WorkOrders
from domain.anomaly import Fate
from domain.cases import Phase
from millwright.storage.database.tables import APPEND_ONLY
from millwright.worker.running import WORKFLOWS
from workflows.maintenance_case import SEARCH_ATTRIBUTES
from workflows.queues import case_queue, cmms_queue, mes_queue, plant_zone_queue

_ROOT = Path(__file__).resolve().parents[2]
_DOCS = _ROOT / "docs"
_PAGE = (_DOCS / "architecture.md").read_text(encoding="utf-8")
_PAGES = [_ROOT / "README.md", _ROOT / "CONTRIBUTING.md", *sorted(_DOCS.rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def _activity_names() -> list[str]:
    names = []
    holders = (
        Holds,
        LineJudging,
        LotLists,
        MachineStates,
        MesCalls,
        OrderChanges,
        Outcomes,
        Proposals,
        Routes,
        WalkDownSteps,
        WorkOrders,
    )
    for holder in holders:
        for member in vars(holder).values():
            definition = activity._Definition.from_callable(member) if callable(member) else None
            if definition is not None and definition.name is not None:
                names.append(definition.name)
    return sorted(names)


def _workflow_names() -> list[str]:
    definitions = [workflow._Definition.must_from_class(each) for each in WORKFLOWS]
    return sorted(definition.name for definition in definitions if definition.name is not None)


def _rows(heading: str) -> list[str]:
    """The first column of the table whose heading row begins so."""
    table = _PAGE.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([A-Za-z-]+)` \|", table, re.MULTILINE)


def test_the_worker_runs_these_workflows_and_no_other() -> None:
    assert sorted(_rows("workflow")) == _workflow_names()


def test_every_activity_stands_in_the_table_and_no_other() -> None:
    assert sorted(_rows("activity")) == _activity_names()


@pytest.mark.parametrize(
    "word", [*Fate, *(phase for phase in Phase if phase is not Phase.CLOSED), *(key.name for key in SEARCH_ATTRIBUTES)]
)
def test_every_fate_phase_and_search_attribute_is_named(word: str) -> None:
    assert word in _PAGE


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_every_table_that_refuses_change_is_named(table: str) -> None:
    assert f"`{table}`" in _PAGE


def test_every_test_that_is_named_exists() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (_ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"def (test_\w+)\(", sources))
    named = set(re.findall(r"`(test_\w+)`", _PAGE))
    assert named
    assert named - known == set()


@pytest.mark.parametrize("module", sorted(set(re.findall(r"[\w/]+/\w+\.py", _PAGE))))
def test_every_module_in_the_diagrams_and_the_text_exists(module: str) -> None:
    assert (_ROOT / module).is_file() or (_ROOT / "millwright" / module).is_file()


@pytest.mark.parametrize(
    "queue",
    [
        case_queue("<task queue>"),
        cmms_queue("<task queue>", "<id>"),
        mes_queue("<task queue>", "<id>"),
        plant_zone_queue("<task queue>", "<id>"),
    ],
)
def test_every_kind_of_task_queue_is_named_as_the_code_names_it(queue: str) -> None:
    assert queue in _PAGE


@pytest.mark.parametrize("phase", Phase)
def test_the_diagram_of_a_case_has_every_phase(phase: Phase) -> None:
    diagram = _PAGE.partition("From the verdict to the outcome:")[2].partition("How a case hears of its order:")[0]
    assert re.search(rf"^   {phase}\b", diagram, re.MULTILINE)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
