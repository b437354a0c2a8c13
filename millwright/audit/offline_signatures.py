"""The basics of the offline verifier: rows, findings, digests and Ed25519, with only standard Python."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

Row = dict[str, Any]
STATEMENT = "millwright signature 2"


class OfflineFinding(NamedTuple):
    """A difference: its kind, the row, and a sentence."""

    kind: str
    where: str
    what: str


UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError)


def guarded(where: str, findings: Iterable[OfflineFinding]) -> Iterator[OfflineFinding]:
    """The findings of one row; a row with an unexpected form is a finding too."""
    try:
        yield from findings
    except UNREADABLE as error:
        yield OfflineFinding("unreadable", where, f"{type(error).__name__}: {error}")


def sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def statement_holds(key: str, digest: str, act: str, signed: Row, person: str) -> bool:
    """Whether a person's signature over an act on what has this digest is valid, also in the form of earlier builds.

    Args:
        key: the public key in hexadecimal.
        signed: the `meaning`, the time `at` and the `signature`.
    """
    meaning, at = signed["meaning"], signed["at"]
    told = {"statement": STATEMENT, "act": act, "digest": digest, "meaning": meaning, "person": person, "at": at}
    earlier = "\n".join(("millwright signature 1", digest, act, meaning, at)).encode()
    return any(hex_holds(key, message, signed["signature"]) for message in (canonical_text(told), earlier))


def release_holds(key: str, hold: str, equipment: str, release: Row, act: str = "release-hold") -> bool:
    """Whether the signature of a person of production over the release of a hold is valid.

    Args:
        key: the public key in hexadecimal.
        release: who released it, with `meaning`, `reason`, `at` and `signature`.
        act: `hold-again` where the machine is held again.
    """
    told = {"meaning": release["meaning"], "reason": release["reason"], "at": stamp_of(release["at"])}
    told |= {"statement": STATEMENT, "act": act, "hold": hold, "equipment": equipment}
    return hex_holds(key, canonical_text({**told, "person": release["by"]}), release["signature"] or "")


def stamp_of(text: str) -> str:
    """A time in UTC as signed texts have it, with microseconds."""
    # Without the Z, which Python reads from 3.11 on only.
    return datetime.fromisoformat(text[:-1]).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def hex_holds(key: str, message: bytes, signature: str) -> bool:
    """Whether an Ed25519 signature over the message is valid for the key; both in hexadecimal."""
    try:
        return signature_holds(bytes.fromhex(key), message, bytes.fromhex(signature))
    except ValueError:
        return False


def canonical_text(told: object) -> bytes:
    """The canonical JSON of a value, as signatures and digests have it."""
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def differing(stored: Row, told: Row, names: Iterable[str]) -> str:
    """The names of the fields in which a stored row differs from the acts."""
    return ", ".join(name for name in names if stored[name] != told.get(name))


# Ed25519 (RFC 8032, section 5.1): points of -x² + y² = 1 + d x² y² in extended coordinates (X, Y, Z, T).

Point = tuple[int, int, int, int]
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)


def _add(a: Point, b: Point) -> Point:
    low, high = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    cross, depth = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = high - low, depth - cross, depth + cross, high + low
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _point(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    odd, y = y >> 255, y & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = _P - x
    return x, y, 1, x * y % _P


@lru_cache(maxsize=4096)
def signature_holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature over the message is valid for the key."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, commitment = _point(public_key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    base = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))
    if key is None or commitment is None or base is None or scalar >= _L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _L
    left, right = _times(scalar, base), _add(commitment, _times(challenge, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % _P or (left[1] * right[2] - right[1] * left[2]) % _P)
