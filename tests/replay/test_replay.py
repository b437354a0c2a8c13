"""The three locks on workflow versioning: fingerprints, recorded histories, and one history that must fail."""

import copy
import json
from collections.abc import Sequence

import pytest
from pydantic import ValidationError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from activities.judging import JudgeLine, LineJudged
from activities.machine_states import ReadStates, StatesRead
from activities.order_changes import Polled, PollSystem
from activities.progress import CaseRef, Progress
from activities.routes import CaseRoute
from activities.walk_downs import WalkDownProgress, WalkDownRef, WalkDownRoute
from domain.model import Model
from millwright.worker.running import EARLIER, WORKFLOWS
from tests.replay.clock_reader import ClockReader
from tests.replay.fingerprints import committed, computed, differences, digest, fingerprint, wire_name, without_prose
from tests.replay.histories import Recorded, must_fail, of_earlier_builds, recorded
from workflows.connector_poll import ConnectorPoll, Poll
from workflows.line_watch import Line
from workflows.maintenance_case import MaintenanceCase
from workflows.mes_call import MesCall

WHAT_TO_DO = (
    "A workflow changed. A recorded history that no longer fits goes to histories/earlier_builds, under the workflow's "
    "name: a plant's run like it fails and begins again from storage. Record new histories and write the fingerprints "
    "down again, both by `python -m tests.replay.record`. What changed:\n"
)
CROSSING = (
    *(CaseRef, CaseRoute, Progress, JudgeLine, LineJudged, PollSystem, Polled, Poll, Line),
    *(WalkDownProgress, WalkDownRef, WalkDownRoute, ReadStates, StatesRead),
)
NOTE = {
    "seq",
    "attempt",
    "activity_id",
    "activity_type",
    "activation_index",
    "complete_time",
    "original_schedule_time",
    "backoff",
    # of a patch
    "id",
    "deprecated",
}
LARGEST_PAYLOAD = 1024
SECRETS = (
    "password",
    "secret",
    "api_key",
    "apikey",
    "bearer",
    "postgresql://",
    "accountkey",
    "sharedaccess",
    "begin private",
)


@pytest.fixture(scope="module")
def replayer() -> Replayer:
    return replayer_of(WORKFLOWS)


def replayer_of(workflows: Sequence[type]) -> Replayer:
    """In the SDK's sandbox, which workers do without: what is not deterministic is to be found here."""
    return Replayer(
        workflows=workflows, data_converter=pydantic_data_converter, workflow_runner=SandboxedWorkflowRunner()
    )


def test_no_workflow_changed_without_its_fingerprint() -> None:
    before, now = committed(), computed()
    changes = [words for name in now for words in differences(name, before.get(name, {}), now[name])]
    changes += [f"{name}: gone altogether" for name in before if name not in now]
    assert not changes, WHAT_TO_DO + "\n".join(changes)


def test_the_committed_fingerprints_carry_their_own_digests() -> None:
    for facts in committed().values():
        assert facts.pop("digest") == [digest(facts)]


def test_a_change_is_told_in_words() -> None:
    before = computed()["MaintenanceCase"]
    now = copy.deepcopy(before)
    now["activities"][2:4] = reversed(now["activities"][2:4])
    now["handlers"].append("signal hurry () -> NoneType")
    first, second = differences("MaintenanceCase", before, now)
    assert first.startswith("MaintenanceCase: activities: in another order")
    assert second == "MaintenanceCase: handlers: new: signal hurry () -> NoneType"


def test_an_activity_of_which_nothing_is_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("workflows.connector_poll.OrderChanges")
    with pytest.raises(ValueError, match=r"OrderChanges\.poll_changes is no activity of a class that"):
        fingerprint(ConnectorPoll)


def test_a_sentence_about_a_model_is_no_change_of_it_and_a_property_called_description_is() -> None:
    schema = {"title": "Fault", "description": "Old words.", "properties": {"description": {"type": "string"}}}
    assert without_prose(schema) == {"properties": {"description": {"type": "string"}}}


def test_every_workflow_has_a_recorded_history() -> None:
    assert {each.path.parent.name for each in recorded()} == {wire_name(workflow) for workflow in WORKFLOWS}


@pytest.mark.parametrize("recording", recorded(), ids=lambda recording: recording.name)
async def test_what_runs_in_plants_goes_on_running(recording: Recorded, replayer: Replayer) -> None:
    result = await replayer.replay_workflow(recording.history, raise_on_replay_failure=False)
    assert result.replay_failure is None


@pytest.mark.parametrize("recording", must_fail(), ids=lambda recording: recording.name)
async def test_a_history_of_another_workflow_is_found_out(recording: Recorded, replayer: Replayer) -> None:
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(recording.history)


@pytest.mark.parametrize("recording", of_earlier_builds(), ids=lambda recording: recording.name)
async def test_a_history_of_an_earlier_build_does_not_fit_so_that_its_run_ends(recording: Recorded) -> None:
    with pytest.raises(NondeterminismError):
        await replayer_of([*WORKFLOWS, *EARLIER]).replay_workflow(recording.history)


def test_every_type_of_the_earlier_builds_has_a_history() -> None:
    assert {each.path.parent.name for each in of_earlier_builds()} >= {wire_name(each) for each in EARLIER}


async def test_what_is_not_deterministic_is_refused_in_replay() -> None:
    histories = [
        recording.history for recording in recorded() if recording.path.parent.name == wire_name(MaintenanceCase)
    ]
    result = await replayer_of([ClockReader]).replay_workflow(histories[0], raise_on_replay_failure=False)
    assert "datetime.datetime.now" in str(result.replay_failure)


def test_there_is_a_history_that_must_fail() -> None:
    assert must_fail()


@pytest.mark.parametrize("recording", recorded(), ids=lambda recording: recording.name)
def test_only_small_models_of_ours_cross_the_engine(recording: Recorded) -> None:
    objects = [text for text in recording.payloads() if text.startswith("{")]
    assert all(len(text) <= LARGEST_PAYLOAD for text in objects)
    assert [text for text in objects if not any(_is(model, text) for model in CROSSING)] == []


@pytest.mark.parametrize("recording", recorded(), ids=lambda recording: recording.name)
def test_no_secret_and_no_event_of_a_plant_stands_in_a_history(recording: Recorded) -> None:
    text = "\n".join(
        [*recording.payloads(), json.dumps(json.loads(recording.path.read_text(encoding="utf-8")))]
    ).lower()
    assert [word for word in (*SECRETS, '"score"', '"baseline"', '"anomaly"') if word in text] == []


def test_every_payload_of_a_call_to_an_mes_that_stands_apart_is_encrypted() -> None:
    calls = [recording for recording in recorded() if recording.path.parent.name == wire_name(MesCall)]
    assert [recording.encrypted() for recording in calls] == [[True] * 4, [True] * 2]


def _is(model: type[Model], text: str) -> bool:
    try:
        model.model_validate_json(text)
    except ValidationError:
        # The SDK's own note beside a local activity names it and nothing else.
        return set(json.loads(text)) <= NOTE
    return True
