"""Recorded histories: where they are, and what of a plant stands in them."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import WorkflowHistory

RECORDED = Path(__file__).parent / "histories"
MUST_FAIL = RECORDED / "must_fail"
EARLIER_BUILDS = RECORDED / "earlier_builds"


@dataclass(frozen=True)
class Recorded:
    """A history as it stands in the repository."""

    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def history(self) -> WorkflowHistory:
        """The history, as the replayer takes it."""
        text = self.path.read_text(encoding="utf-8")
        started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
        return WorkflowHistory.from_json(started["workflowId"], text)

    def payloads(self) -> Iterator[str]:
        """Every payload that crossed the engine, decoded."""
        yield from (
            base64.b64decode(data).decode() for data in _data(json.loads(self.path.read_text(encoding="utf-8")))
        )


def recorded() -> list[Recorded]:
    """The histories that replay."""
    return [Recorded(path) for path in sorted(RECORDED.glob("*/*.json")) if path.parent != MUST_FAIL]


def of_earlier_builds() -> list[Recorded]:
    """The histories of workflows that earlier builds began, under the type names of then."""
    return [Recorded(path) for path in sorted(EARLIER_BUILDS.glob("*/*.json"))]


def must_fail() -> list[Recorded]:
    """The doctored ones, that do not."""
    return [Recorded(path) for path in sorted(MUST_FAIL.glob("*.json"))]


def _data(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "metadata" in value and isinstance(value.get("data"), str):
            yield value["data"]
        for each in value.values():
            yield from _data(each)
    elif isinstance(value, list):
        for each in value:
            yield from _data(each)
