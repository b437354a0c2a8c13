"""Ids of objects that have effects in other systems. Each is derived from what it identifies."""

import base64
import hashlib
import re

from domain.canonical import canonical

CASE_PREFIX = "MW"

CASE_ID = re.compile(rf"{CASE_PREFIX}[A-Z2-7]{{8}}")
"""What `case_id` makes. Anything else that begins so is a person's own word."""

LOCAL_ACTOR = "local"
"""The recorded name of a person who uses the command line without an API key."""

TWIN_MARK = "updatedBy"
"""The property of a twin that says who wrote last."""
TWIN_AUTHOR = "millwright"
"""The value of `updatedBy` on a twin that we patched. It identifies the events of our own patches."""


def case_id(asset_id: str, failure_mode: str, source: str, external_id: str, attempt: int = 0) -> str:
    """The id of the case that an event opens, which is the key on every vendor's record.

    It is derived from the event, so that judging the same event again on an empty database finds the existing order
    instead of making a second one. It has ten characters, because Maximo's `externalrefid` holds no more (ALN 10).

    Args:
        attempt: storage increments it in the rare case that the id, which has 40 bits, is that of another case.
    """
    name = "\x1f".join((asset_id, failure_mode, source, external_id, str(attempt)))
    return CASE_PREFIX + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:8]


WALK_DOWN_PREFIX = "WD"


def walk_down_key(system: str, equipment: str, person: str, at: str) -> str:
    """The key of a walk-down, which the MES gets as the comment of its hold: derived from who began it, where and when,
    so that a repeated request begins nothing else.

    Args:
        system: the MES instance.
        equipment: the MES's id of the machine.
        person: who began it.
        at: the time of signing, in the format of `domain.canonical.timestamp`.
    """
    name = "\x1f".join((system, equipment, person, at))
    return WALK_DOWN_PREFIX + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:8]


def hold_comment(hold_key: str) -> str:
    """The text that is sent to the MES with a hold, so that the plant can identify the hold."""
    return hold_key


ORDER_TWIN_ID = re.compile(rf"{CASE_ID.pattern}-[A-Z2-7]{{8}}")
"""What `order_twin_id` makes."""


def order_twin_id(case: str, system: str, number: str) -> str:
    """The id of the twin of a work order, and of the relationship that leads to it.

    It is derived from the case and its order, so that a repeated step finds it. It has only characters that the twin
    service takes.

    Args:
        case: the case.
        system: the CMMS instance.
        number: the order's number there.
    """
    name = "\x1f".join((case, system, number))
    return f"{case}-{base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:8]}"


def line_workflow_id(line: str) -> str:
    """The workflow that watches a production line."""
    return f"line/{line}"


def case_workflow_id(case: str) -> str:
    """The workflow of a case."""
    return f"case/{case}"


def walk_down_workflow_id(key: str) -> str:
    """The workflow of a walk-down."""
    return f"walk-down/{key}"


def poll_workflow_id(system: str) -> str:
    """The workflow that polls a system for changes."""
    return f"poll/{system}"


_OF_MES = "mes/"


def mes_poll_name(system: str) -> str:
    """What a poll of an MES is named by. An MES and a CMMS may have the same id."""
    return _OF_MES + system


def mes_in(polled: str) -> str | None:
    """The MES that a poll reads, by the poll's name; None if it polls a CMMS."""
    return polled.removeprefix(_OF_MES) if polled.startswith(_OF_MES) else None


def mes_call_workflow_id(call: str, system: str) -> str:
    """The workflow of a call to an MES instance that stands apart.

    Args:
        call: the digest of the plan that the call is about, so that calls about one plan are made one after another;
            of any other call a random name.
        system: the instance.
    """
    return f"mes-call/{call}/{system}"


def system_of_mes_call(workflow_id: str) -> str:
    """The MES instance that a call goes to, by the id of its workflow."""
    return name_in(workflow_id).partition("/")[2]


def name_in(workflow_id: str) -> str:
    """What a workflow is for, by its id: the line, the case or the system. The engine's users may start a workflow with
    any input, so a workflow takes the name from here."""
    return workflow_id.partition("/")[2]


SUPPRESSION_SUBJECT = "suppression/"


def suppression_subject(suppression: str) -> str:
    """The subject of a suppression's due row and of its acts. It has no workflow: storage ends it alone."""
    return SUPPRESSION_SUBJECT + suppression


_STATEMENT = "millwright signature 2"
RELEASE_HOLD = "release-hold"
"""The act of a person of production who signs the release of a hold. Each step of it has a meaning of its own, which
the signature binds."""
HOLD_AGAIN = "hold-again"
"""The act of a person of production who has a machine held again that runs on test."""


def signed_statement(digest: str, act: str, meaning: str, at: str, person: str) -> bytes:
    """What a person signs (Ed25519) when approving or activating a policy version: canonical JSON.

    Args:
        digest: the version's digest.
        act: `approve` or `activate`.
        meaning: what the signature means, in words (21 CFR 11.50).
        at: the time of signing, in the format of `domain.canonical.timestamp`.
        person: the id of the person who signs.
    """
    return canonical(
        {"statement": _STATEMENT, "act": act, "digest": digest, "meaning": meaning, "person": person, "at": at}
    )


def earlier_statement(digest: str, act: str, meaning: str, at: str) -> bytes:
    """What a person signed in earlier builds; see `signed_statement`. Such signatures stay valid."""
    return "\n".join(("millwright signature 1", digest, act, meaning, at)).encode()


def release_statement(
    hold: str, equipment: str, meaning: str, reason: str, at: str, person: str, act: str = RELEASE_HOLD
) -> bytes:
    """What a person of production signs (Ed25519) when releasing a hold, or asking for it again: canonical JSON.

    Args:
        hold: the hold's key.
        equipment: the MES's id of the machine.
        meaning: what the person states of the machine.
        reason: why it is released, or held again.
        at: the time of signing, in the format of `domain.canonical.timestamp`.
        person: the id of the person who signs.
        act: `RELEASE_HOLD` or `HOLD_AGAIN`.
    """
    signed = {"statement": _STATEMENT, "act": act, "hold": hold, "equipment": equipment}
    return canonical({**signed, "meaning": meaning, "reason": reason, "person": person, "at": at})


BEGIN_WALK_DOWN, LOOK = "begin-walk-down", "look"
"""The acts of the two persons of a walk-down who sign it, beside the release."""


def walk_down_statement(
    act: str,
    machine: str,
    system: str,
    equipment: str,
    meaning: str,
    at: str,
    person: str,
    *,
    walk_down: str | None = None,
    target: str | None = None,
) -> bytes:
    """What a person signs (Ed25519) at the machine of a walk-down: canonical JSON.

    Args:
        act: `BEGIN_WALK_DOWN` or `LOOK`.
        machine: the asset.
        system: the MES instance.
        equipment: the MES's id of the machine.
        meaning: what the person states.
        at: the time of signing, in the format of `domain.canonical.timestamp`.
        person: the id of the person who signs.
        walk_down: its key; None when it begins.
        target: the digest of what the hold goes through; None when it begins.
    """
    where = {"machine": machine, "system": system, "equipment": equipment}
    signed = {"statement": _STATEMENT, "act": act, **where, "walk_down": walk_down, "target": target}
    return canonical({**signed, "meaning": meaning, "person": person, "at": at})
