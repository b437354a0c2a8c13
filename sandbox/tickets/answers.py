"""How the server shows what it has."""

from __future__ import annotations

from datetime import datetime

from sandbox.tickets.store import Issue, LabelEvent, Note, StateEvent, Store, User


def moment(at: datetime | None) -> str | None:
    """A time in milliseconds, with a Z."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user(shown: User | None) -> dict[str, object] | None:
    """A user, as other records have it."""
    if shown is None:
        return None
    return {"id": shown.id, "username": shown.username, "name": shown.username.title(), "state": "active"}


def issue(shown: Issue, project: int, root: str) -> dict[str, object]:
    """An issue, with the addresses of what belongs to it below that of the interface."""
    here = f"{root}/projects/{project}"
    other = shown.duplicated_to
    return {
        "id": shown.id,
        "iid": shown.iid,
        "project_id": project,
        "title": shown.title,
        "description": shown.description,
        "state": shown.state,
        "created_at": moment(shown.created_at),
        "updated_at": moment(shown.updated_at),
        "closed_at": moment(shown.closed_at),
        "closed_by": user(shown.closed_by),
        "labels": sorted(shown.labels),
        "milestone": None,
        "assignees": [],
        "author": user(shown.author),
        "user_notes_count": sum(not each.system for each in shown.notes),
        "due_date": None if shown.due_date is None else shown.due_date.isoformat(),
        "confidential": False,
        "moved_to_id": shown.moved_to_id,
        "_links": {
            "self": f"{here}/issues/{shown.iid}",
            "notes": f"{here}/issues/{shown.iid}/notes",
            "award_emoji": f"{here}/issues/{shown.iid}/award_emoji",
            "project": here,
            "closed_as_duplicate_of": None if other is None else f"{here}/issues/{other}",
        },
    }


def note(shown: Note, on: Issue, project: int) -> dict[str, object]:
    """A note."""
    return {
        "id": shown.id,
        "body": shown.body,
        "attachment": None,
        "author": user(shown.author),
        "created_at": moment(shown.at),
        "updated_at": moment(shown.at),
        "system": shown.system,
        "noteable_id": on.id,
        "noteable_type": "Issue",
        "noteable_iid": on.iid,
        "project_id": project,
        "internal": False,
    }


def label(name: str, store: Store) -> dict[str, object]:
    """A label of the project."""
    return {"id": store.labels[name], "name": name, "color": "#6699cc", "description": None, "is_project_label": True}


def label_event(shown: LabelEvent, on: Issue, store: Store) -> dict[str, object]:
    """A label that was added or removed; its label is null if it was deleted since."""
    return {
        "id": shown.id,
        "user": user(shown.user),
        "created_at": moment(shown.at),
        "resource_type": "Issue",
        "resource_id": on.id,
        "label": label(shown.label, store) if shown.label in store.labels else None,
        "action": shown.action,
    }


def state_event(shown: StateEvent, on: Issue) -> dict[str, object]:
    """An issue that was closed or opened again."""
    return {
        "id": shown.id,
        "user": user(shown.user),
        "created_at": moment(shown.at),
        "resource_type": "Issue",
        "resource_id": on.id,
        "state": shown.state,
    }
