"""The ids of things with an outside effect, each derived from what it stands for."""

import base64
import hashlib

CASE_PREFIX = "MW"

LOCAL_ACTOR = "local"
"""In the record: whoever sits at the machine itself and gives no key."""

TWIN_AUTHOR = "millwright"
"""What `updatedBy` says on a twin that we patched: by it our own patches are known when they come back."""


def case_id(asset_id: str, failure_mode: str, source: str, external_id: str, attempt: int = 0) -> str:
    """The id of the case that an event opens: ten characters, the key on every vendor's record.

    Derived from the opening event and not drawn at random, so that judging the same event again on an emptied
    database finds the order that exists instead of making a second. Ten characters because Maximo's
    `externalrefid` holds no more (ALN 10).

    Args:
        attempt: raised by storage in the rare case that 40 bits collide with another case.
    """
    name = "\x1f".join((asset_id, failure_mode, source, external_id, str(attempt)))
    return CASE_PREFIX + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:8]


def hold_comment(hold_key: str) -> str:
    """The text that goes to the MES with a hold, and by which the plant knows whose it is."""
    return hold_key


def line_workflow_id(line: str) -> str:
    """The workflow that watches a production line."""
    return f"line/{line}"


def case_workflow_id(case: str) -> str:
    """The workflow that sees a case through."""
    return f"case/{case}"


def poll_workflow_id(system: str) -> str:
    """The workflow that asks a system for changes."""
    return f"poll/{system}"


SUPPRESSION_SUBJECT = "suppression/"


def suppression_subject(suppression: str) -> str:
    """What is due when a suppression ends, and what its acts are filed under. No workflow: storage alone acts then."""
    return SUPPRESSION_SUBJECT + suppression


def signed_statement(digest: str, act: str, meaning: str, at: str) -> bytes:
    """What a person signs (Ed25519) when approving or activating a policy version.

    Args:
        digest: the version's digest.
        act: `approve` or `activate`.
        meaning: what the signature means, in words (21 CFR 11.50).
        at: the time of signing, as `domain.canonical.timestamp` writes it.
    """
    return "\n".join(("millwright signature 1", digest, act, meaning, at)).encode()
