"""Recorded histories: where they are, and what of a plant stands in them."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        """Every payload that crossed the engine in clear, decoded."""
        for payload in self._all_payloads():
            if not _encrypted(payload):
                yield base64.b64decode(payload["data"]).decode()

    def encrypted(self) -> list[bool]:
        """For every payload that crossed the engine, whether it is encrypted."""
        return [_encrypted(payload) for payload in self._all_payloads()]

    def _all_payloads(self) -> Iterator[Mapping[str, Any]]:
        yield from _payloads(json.loads(self.path.read_text(encoding="utf-8")))


def recorded() -> list[Recorded]:
    """The histories that replay."""
    return [Recorded(path) for path in sorted(RECORDED.glob("*/*.json")) if path.parent != MUST_FAIL]


def of_earlier_builds() -> list[Recorded]:
    """The histories of workflows that earlier builds began, under the type names of then."""
    return [Recorded(path) for path in sorted(EARLIER_BUILDS.glob("*/*.json"))]


def must_fail() -> list[Recorded]:
    """The doctored ones, that do not."""
    return [Recorded(path) for path in sorted(MUST_FAIL.glob("*.json"))]


def _encrypted(payload: Mapping[str, Any]) -> bool:
    return base64.b64decode(payload["metadata"]["encoding"]) == b"binary/encrypted"


def _payloads(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if "metadata" in value and isinstance(value.get("data"), str):
            yield value
        for each in value.values():
            yield from _payloads(each)
    elif isinstance(value, list):
        for each in value:
            yield from _payloads(each)
