"""The issues of one project, with their notes and events. Every change of an issue moves its `updated_at`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

_QUICK_ACTION: Final = re.compile(r"^/(close|reopen|label|unlabel|duplicate)(?: (.*))?$", re.MULTILINE | re.IGNORECASE)
_ISSUE_NUMBER: Final = re.compile(r"#(\d+)")
_LABEL_NAME: Final = re.compile(r'~"([^"]+)"|~(\S+)')


@dataclass(frozen=True)
class User:
    """A person or a robot, with an access token."""

    id: int
    username: str
    token: str
    owner: bool = False


@dataclass
class Note:
    """A comment, or a system note about a change."""

    id: int
    author: User
    body: str
    at: datetime
    system: bool = False


@dataclass(frozen=True)
class LabelEvent:
    """A label that was added or removed."""

    id: int
    user: User
    label: str
    action: str
    at: datetime


@dataclass(frozen=True)
class StateEvent:
    """An issue that was closed or opened again."""

    id: int
    user: User
    state: str
    at: datetime


@dataclass
class Issue:
    """An issue."""

    id: int
    iid: int
    author: User
    title: str
    description: str | None
    created_at: datetime
    updated_at: datetime
    due_date: date | None = None
    labels: list[str] = field(default_factory=list)
    state: str = "opened"
    closed_at: datetime | None = None
    closed_by: User | None = None
    moved_to_id: int | None = None
    duplicated_to: int | None = None
    notes: list[Note] = field(default_factory=list)
    label_events: list[LabelEvent] = field(default_factory=list)
    state_events: list[StateEvent] = field(default_factory=list)


class Store:
    """What the project has.

    Args:
        now: plant time.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.issues: dict[int, Issue] = {}
        self.labels: dict[str, int] = {}
        self._ids = 100
        self._iids = 0

    def next_id(self) -> int:
        """An id that nothing has yet."""
        self._ids += 1
        return self._ids

    def open_issue(
        self, author: User, title: str, description: str | None, labels: Iterable[str], due: date | None = None
    ) -> Issue:
        """A new issue. The quick actions in its description are carried out and taken out of it."""
        now, self._iids = self.now(), self._iids + 1
        issue = Issue(self.next_id(), self._iids, author, title, None, now, now, due)
        self.issues[issue.iid] = issue
        self.change_labels(issue, author, add=labels)
        issue.description = None if description is None else self.without_quick_actions(issue, author, description)
        return issue

    def change_labels(self, issue: Issue, by: User, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Adds and removes labels. A label that the project does not have is made."""
        for name in remove:
            if name in issue.labels:
                issue.labels.remove(name)
                issue.label_events.append(LabelEvent(self.next_id(), by, name, "remove", self.now()))
        for name in add:
            self.labels.setdefault(name, self.next_id())
            if name not in issue.labels:
                issue.labels.append(name)
                issue.label_events.append(LabelEvent(self.next_id(), by, name, "add", self.now()))
        self.touch(issue)

    def change_state(self, issue: Issue, by: User, event: str) -> None:
        """Closes an issue or opens it again. What is so already stays so."""
        state = "closed" if event == "close" else "opened"
        if state != issue.state:
            issue.state = state
            issue.closed_at, issue.closed_by = (self.now(), by) if state == "closed" else (None, None)
            if state == "opened":
                issue.moved_to_id = issue.duplicated_to = None
            word = "closed" if state == "closed" else "reopened"
            issue.state_events.append(StateEvent(self.next_id(), by, word, self.now()))
        self.touch(issue)

    def mark_duplicate(self, issue: Issue, by: User, of: Issue) -> None:
        """Closes an issue as a duplicate of another one, and leaves a system note on both."""
        self.add_note(issue, by, f"marked this issue as a duplicate of #{of.iid}", system=True)
        self.add_note(of, by, f"marked #{issue.iid} as a duplicate of this issue", system=True)
        self.change_state(issue, by, "close")
        issue.duplicated_to = of.iid

    def edit(self, issue: Issue, by: User, title: str | None = None, description: str | None = None) -> None:
        """Changes the title and the description, and leaves a system note of each."""
        if title is not None and title != issue.title:
            self.add_note(issue, by, f"changed title from **{issue.title}** to **{title}**", system=True)
            issue.title = title
        if description is not None and description != issue.description:
            self.add_note(issue, by, "changed the description", system=True)
            issue.description = description
        self.touch(issue)

    def add_note(self, issue: Issue, by: User, body: str, *, system: bool = False) -> Note:
        """A note."""
        note = Note(self.next_id(), by, body, self.now(), system)
        issue.notes.append(note)
        self.touch(issue)
        return note

    def without_quick_actions(self, issue: Issue, by: User, text: str) -> str:
        """The text without its quick actions, which are carried out."""
        text = text.replace("\r", "")
        for word, argument in _QUICK_ACTION.findall(text):
            action = word.lower()
            names = [quoted or plain for quoted, plain in _LABEL_NAME.findall(argument)]
            other = next((self.issues.get(int(iid)) for iid in _ISSUE_NUMBER.findall(argument)), None)
            if action in ("close", "reopen"):
                self.change_state(issue, by, action)
            elif action == "duplicate":
                if other is not None:
                    self.mark_duplicate(issue, by, other)
            elif action == "label":
                self.change_labels(issue, by, add=names)
            else:
                self.change_labels(issue, by, remove=names)
        return _QUICK_ACTION.sub("", text).strip()

    def touch(self, issue: Issue) -> None:
        """An issue has changed."""
        issue.updated_at = self.now()
