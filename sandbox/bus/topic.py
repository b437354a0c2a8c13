"""Topics: what is sent to one is copied to every subscription whose rules select it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.bus.entity import UNLIMITED, Entity
from sandbox.bus.filters import Filter
from sandbox.bus.journal import EntityLog
from sandbox.bus.message import Message, wall_ms
from sandbox.bus.misbehaviour import Misbehaviour


@dataclass(frozen=True)
class Subscription:
    """A subscription by its name and its rules; it gets what any rule selects, and everything where it has none."""

    name: str
    rules: Sequence[Filter] = ()

    def selects(self, message: Message) -> bool:
        return not self.rules or any(rule.matches(message) for rule in self.rules)


class Topic(Entity):
    """A topic holds only what is scheduled; sequence numbers of delivered messages are each subscription's own."""

    def __init__(self, path: str, log: EntityLog, misbehaviour: Misbehaviour) -> None:
        super().__init__(path, log, misbehaviour, lock_ms=0, max_delivery=UNLIMITED, dead_letters=None)
        self.subscriptions: list[tuple[Subscription, Entity]] = []

    def put(self, message: Message) -> int:
        """Copy the message to the subscriptions that select it, or hold it until it is due; how many got it.

        A subscription with sessions dead-letters a message without a session id, as Service Bus does.
        """
        if message.due_ms is not None and message.due_ms > wall_ms():
            self.accept(message)
            return 0
        selected = [entity for subscription, entity in self.subscriptions if subscription.selects(message)]
        for entity in selected:
            copy = message.copy()
            if entity.takes_sessions and message.properties.session_id is None:
                entity.accept_dead(copy, "Session ID is null", "A session enabled entity needs a session id.")
            else:
                entity.accept(copy)
        return len(selected)

    def counts(self) -> dict[str, int]:
        """The sums over the subscriptions, and what the topic itself holds for later."""
        total = super().counts()
        for _, entity in self.subscriptions:
            for name, count in entity.counts().items():
                total[name] += count
        return total
