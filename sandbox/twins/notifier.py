"""Who caused a change and when, on its way to the event routes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.twins.document import JsonObject, JsonValue
from sandbox.twins.event_route import Router
from sandbox.twins.json_patch import Operation


@dataclass(frozen=True)
class Cause:
    """The request behind a change.

    Args:
        time: when it happened, aware UTC; None means now.
        traceparent: its W3C trace context, carried into the event.
    """

    time: datetime | None = None
    traceparent: str | None = None


NO_CAUSE: Final = Cause()


class Notifier:
    """Publishes the notifications of the service's changes."""

    def __init__(self, router: Router, now: Callable[[], datetime]) -> None:
        self._router = router
        self._now = now

    def changed(self, kind: str, subject: str, data: JsonValue, cause: Cause) -> None:
        """A twin or relationship was created, updated or deleted."""
        self._router.publish(kind, data, cause.time or self._now(), subject=subject, traceparent=cause.traceparent)

    def measured(
        self,
        kind: str,
        twin_id: str,
        component: str | None,
        data: JsonValue,
        *,
        model: str,
        message_id: str | None,
        cause: Cause,
    ) -> None:
        """A twin, or one of its components, sent telemetry."""
        self._router.publish(
            kind,
            data,
            cause.time or self._now(),
            subject=component,
            traceparent=cause.traceparent,
            sender=f"/digitaltwins/{twin_id}",
            event_id=message_id,
            dataschema=model,
        )


def update_body(model: str, patch: list[Operation], prefix: str = "") -> JsonObject:
    """The data of an update notification: `{modelId, patch}`."""
    return {"modelId": model, "patch": [operation.body(prefix) for operation in patch]}
