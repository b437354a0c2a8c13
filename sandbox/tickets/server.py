"""A project of a ticket system, on 127.0.0.1: REST for machines, plain methods for the project's people."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.http_server import HttpServer
from sandbox.tickets.misbehaviour import Misbehaviour
from sandbox.tickets.operations import ROOT
from sandbox.tickets.routes import Routes
from sandbox.tickets.store import Issue, Store, User

PROJECT: Final = 17
PATH: Final = "plant/maintenance"
_WAITING: Final = "waiting for approval"


class TicketServer:
    """See the module.

    Args:
        clock: plant time.
        token: of the robot that signs in.
        faults: what to misbehave with.
    """

    def __init__(self, clock: Clock, token: str, faults: Faults | None = None) -> None:
        self.store = Store(clock.now)
        self.robot = User(self.store.next_id(), "millwright-bot", token)
        self.planner = User(self.store.next_id(), "pat", "planner-token", owner=True)
        self.technician = User(self.store.next_id(), "toni", "technician-token")
        people = (self.robot, self.planner, self.technician)
        self.members = {each.username for each in people}
        routes = Routes(self.store, {each.token: each for each in people}, self.members, PROJECT, PATH)
        app: ASGIApp = Misbehaviour(routes, faults if faults is not None else Faults())
        self._http = HttpServer(app)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT/api/v4`."""
        return f"{self._http.url}{ROOT}"

    async def start(self) -> None:
        """Answer."""
        await self._http.start()

    async def stop(self) -> None:
        """Stop answering."""
        await self._http.stop()

    def add_label(self, name: str) -> None:
        """A planner makes a label. None has a comma: texts of several labels are split there."""
        if "," in name:
            raise ValueError(f"a label has no comma, and {name!r} has one")
        self.store.labels.setdefault(name, self.store.next_id())

    def open_issue(self, title: str, *labels: str) -> Issue:
        """The planner opens an issue."""
        return self.store.open_issue(self.planner, title, None, labels)

    def approve(self, issue: Issue) -> None:
        """The planner takes off the label of what waits."""
        self.store.change_labels(issue, self.planner, remove=[_WAITING])

    def cancel(self, issue: Issue) -> None:
        """The planner marks an issue as cancelled and closes it."""
        self.store.change_labels(issue, self.planner, add=["cancelled"], remove=[_WAITING])
        self.store.change_state(issue, self.planner, "close")

    def comment(self, issue: Issue, words: str) -> None:
        """The planner writes a note."""
        self.store.add_note(issue, self.planner, words)

    def mark_duplicate(self, issue: Issue, of: Issue) -> None:
        """The planner closes an issue as a duplicate of another one."""
        self.store.mark_duplicate(issue, self.planner, of)

    def set_aside(self, issue: Issue) -> None:
        """The technician waits for a part."""
        self.store.change_labels(issue, self.technician, add=["on hold"])

    def start_work(self, issue: Issue) -> None:
        """The technician begins."""
        self.store.change_labels(issue, self.technician, add=["in progress"])

    def finish_work(self, issue: Issue, note: str, *findings: str) -> None:
        """The technician writes what was found, labels it and closes the issue."""
        self.store.add_note(issue, self.technician, note)
        self.store.change_labels(issue, self.technician, add=findings)
        self.store.change_state(issue, self.technician, "close")

    def label(self, issue: Issue, *, add: str | None = None, remove: str | None = None) -> None:
        """The planner adds or takes off a label."""
        added, removed = [add] if add else [], [remove] if remove else []
        self.store.change_labels(issue, self.planner, add=added, remove=removed)

    def edit(self, issue: Issue, title: str, description: str) -> None:
        """The planner changes a title and a description."""
        self.store.edit(issue, self.planner, title, description)

    def delete(self, issue: Issue) -> None:
        """The planner deletes an issue."""
        del self.store.issues[issue.iid]

    def dismiss_robot(self) -> None:
        """The robot sees the project no longer."""
        self.members.discard(self.robot.username)
