"""What the server answers to each operation."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.tickets import answers
from sandbox.tickets.errors import Problem
from sandbox.tickets.listing import matching, paged
from sandbox.tickets.operations import ROOT, asked_for
from sandbox.tickets.store import Issue, Store, User

_TITLE: Final = 255
_DESCRIPTION: Final = 1_048_576
_NOTE: Final = 1_000_000
_CHANGES: Final = (
    "assignee_id",
    "assignee_ids",
    "confidential",
    "created_at",
    "description",
    "discussion_locked",
    "due_date",
    "issue_type",
    "labels",
    "milestone_id",
    "state_event",
    "title",
)
"""A change needs one of these: adding and removing labels alone is refused."""


@dataclass(frozen=True)
class _Asked:
    """A request, who made it, and the values in its path."""

    request: Request
    user: User
    values: Mapping[str, str]


class Routes:
    """The ASGI application.

    Args:
        users: by their tokens.
        members: the usernames that see the project. To all others it does not exist.
        project: its id.
        path: its path.
    """

    def __init__(self, store: Store, users: Mapping[str, User], members: set[str], project: int, path: str) -> None:
        self._store = store
        self._users = users
        self._members = members
        self._project = project
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            reply = await self._answer(request)
        except Problem as problem:
            reply = problem.answer()
        await reply(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        user = self._users.get(request.headers.get("private-token", bearer))
        if user is None:
            raise Problem(401, "401 Unauthorized")
        found = asked_for(request.scope)
        if found is None:
            raise Problem(404, error="404 Not Found")
        operation, values = found
        if "project" in values and (
            values["project"] not in (str(self._project), self._path) or user.username not in self._members
        ):
            raise Problem(404, "404 Project Not Found")
        handlers: Mapping[str, Callable[[_Asked], Awaitable[Response]]] = {
            "user": self._user,
            "project": self._shown_project,
            "label": self._label,
            "list": self._list,
            "create": self._create,
            "issue": self._issue,
            "change": self._change,
            "delete": self._delete,
            "notes": self._notes,
            "add_note": self._add_note,
            "delete_note": self._delete_note,
            "label_events": self._label_events,
            "state_events": self._state_events,
        }
        return await handlers[operation.name](_Asked(request, user, values))

    async def _user(self, asked: _Asked) -> Response:
        return JSONResponse(answers.user(asked.user))

    async def _shown_project(self, asked: _Asked) -> Response:
        del asked
        return JSONResponse({"id": self._project, "path_with_namespace": self._path})

    async def _label(self, asked: _Asked) -> Response:
        name = asked.values["label"]
        if name not in self._store.labels:
            raise Problem(404, "404 Label Not Found")
        return JSONResponse(answers.label(name, self._store))

    async def _list(self, asked: _Asked) -> Response:
        found = matching([*self._store.issues.values()], asked.request.query_params)
        return paged(asked.request, [self._shown(asked, issue) for issue in found])

    async def _create(self, asked: _Asked) -> Response:
        body = await _body(asked.request)
        title = body.get("title")
        if not isinstance(title, str) or not title.strip():
            raise Problem(400, '400 (Bad request) "title" not given')
        description = _text(body.get("description"))
        _check_lengths(title, description)
        due = _due(body.get("due_date"))
        issue = self._store.open_issue(asked.user, title, description, _names(body.get("labels")), due)
        return JSONResponse(self._shown(asked, issue), 201)

    async def _issue(self, asked: _Asked) -> Response:
        return JSONResponse(self._shown(asked, self._asked_issue(asked)))

    async def _change(self, asked: _Asked) -> Response:
        issue, body = self._asked_issue(asked), await _body(asked.request)
        if not set(_CHANGES) & set(body):
            names = ", ".join(_CHANGES)
            raise Problem(400, error=f"{names} are missing, at least one parameter must be provided")
        title, description = _text(body.get("title")), _text(body.get("description"))
        _check_lengths(title or issue.title, description)
        if body.get("state_event") not in (None, "close", "reopen"):
            raise Problem(400, error="state_event does not have a valid value")
        self._store.edit(issue, asked.user, title, description)
        if "labels" in body:
            wanted = _names(body["labels"])
            gone = [name for name in issue.labels if name not in wanted]
            self._store.change_labels(issue, asked.user, wanted, gone)
        self._store.change_labels(issue, asked.user, _names(body.get("add_labels")), _names(body.get("remove_labels")))
        if body.get("state_event") is not None:
            self._store.change_state(issue, asked.user, str(body["state_event"]))
        return JSONResponse(self._shown(asked, issue))

    async def _delete(self, asked: _Asked) -> Response:
        issue = self._asked_issue(asked)
        if not asked.user.owner:
            raise Problem(403, "403 Forbidden")
        del self._store.issues[issue.iid]
        return Response(status_code=204)

    async def _notes(self, asked: _Asked) -> Response:
        issue = self._asked_issue(asked)
        rows = [answers.note(each, issue, self._project) for each in issue.notes]
        newest_first = asked.request.query_params.get("sort", "desc") == "desc"
        return paged(asked.request, rows[::-1] if newest_first else rows)

    async def _add_note(self, asked: _Asked) -> Response:
        issue, body = self._asked_issue(asked), await _body(asked.request)
        words = body.get("body")
        if not isinstance(words, str) or not words.strip():
            raise Problem(400, '400 (Bad request) "body" not given')
        if len(words) > _NOTE:
            raise Problem(400, {"note": [f"is too long (maximum is {_NOTE} characters)"]})
        words = self._store.without_quick_actions(issue, asked.user, words)
        if not words:
            return JSONResponse({"commands_changes": {}, "summary": ["Applied commands"]}, 202)
        return JSONResponse(answers.note(self._store.add_note(issue, asked.user, words), issue, self._project), 201)

    async def _delete_note(self, asked: _Asked) -> Response:
        issue = self._asked_issue(asked)
        note = next((each for each in issue.notes if str(each.id) == asked.values["note"]), None)
        if note is None:
            raise Problem(404, "404 Note Not Found")
        if note.author is not asked.user and not asked.user.owner:
            raise Problem(403, "403 Forbidden")
        issue.notes.remove(note)
        return Response(status_code=204)

    async def _label_events(self, asked: _Asked) -> Response:
        issue = self._asked_issue(asked)
        return paged(asked.request, [answers.label_event(each, issue, self._store) for each in issue.label_events])

    async def _state_events(self, asked: _Asked) -> Response:
        issue = self._asked_issue(asked)
        return paged(asked.request, [answers.state_event(each, issue) for each in issue.state_events])

    def _asked_issue(self, asked: _Asked) -> Issue:
        number = asked.values["issue"]
        issue = self._store.issues.get(int(number)) if number.isdigit() else None
        if issue is None:
            raise Problem(404, "404 Not found")
        return issue

    def _shown(self, asked: _Asked, issue: Issue) -> dict[str, object]:
        url = asked.request.url
        return answers.issue(issue, self._project, f"{url.scheme}://{url.netloc}{ROOT}")


async def _body(request: Request) -> dict[str, object]:
    try:
        body: object = json.loads(await request.body() or b"{}")
    except ValueError:
        raise Problem(400, "400 Bad request - message body is not valid JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, "400 Bad request")
    return body


def _check_lengths(title: str, description: str | None) -> None:
    for name, text, limit in (("title", title, _TITLE), ("description", description or "", _DESCRIPTION)):
        if len(text) > limit:
            raise Problem(400, {name: [f"is too long (maximum is {limit} characters)"]})


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _names(value: object) -> list[str]:
    """The labels of a comma-separated text."""
    return [name.strip() for name in str(value or "").split(",") if name.strip()]


def _due(value: object) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Problem(400, error="due_date is invalid") from None
