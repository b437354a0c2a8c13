"""Invalid messages: malformed rows and unknown devices."""

from __future__ import annotations

from typing import Final

import orjson

BAD_JSON: Final = "bad_json"
NAN_SCORE: Final = "nan_score"
NEGATIVE_SCORE: Final = "negative_score"
MISSING_FIELD: Final = "missing_field"
NUL_BYTE: Final = "nul_byte"
FAR_FUTURE: Final = "far_future"
WRONG_TYPE: Final = "wrong_type"
UNKNOWN_DEVICE: Final = "unknown_device"
KINDS: Final = (
    BAD_JSON,
    NAN_SCORE,
    NEGATIVE_SCORE,
    MISSING_FIELD,
    NUL_BYTE,
    FAR_FUTURE,
    WRONG_TYPE,
    UNKNOWN_DEVICE,
)
_NEEDED: Final = ("DeviceId", "Timestamp", "score")
_WRONG: Final[tuple[tuple[str, object], ...]] = (
    ("score", "very high"),
    ("Timestamp", [2015, 1, 1]),
    ("DeviceId", {"id": 1}),
    ("score", True),
)


def nonsense(kind: str, number: int, device: str, at: str) -> bytes:
    """The body of the `number`-th message of one kind, otherwise as a row of `DetectAnomalies()`.

    Only `unknown_device` is a good row: its device is none of the plant's, which the caller sees to.

    Args:
        device: the device id it claims.
        at: the plant time it claims.

    Raises:
        KeyError: `kind` is none of `KINDS`.
    """
    row: dict[str, object] = {
        "DeviceId": device,
        "Timestamp": at,
        "volt": 190.0 + number / 100,
        "score": 4.5,
        "baseline": 170.5,
    }
    match kind:
        case "bad_json":
            return orjson.dumps(row)[: -2 - number % 20]
        case "nan_score":
            return orjson.dumps(row).replace(b'"score":4.5', b'"score":NaN')
        case "negative_score":
            row["score"] = -4.5
        case "missing_field":
            del row[_NEEDED[number % len(_NEEDED)]]
        case "nul_byte":
            row["DeviceId"] = f"{device}\0"
        case "far_future":
            row["Timestamp"] = f"2099-{1 + number % 12:02d}-01T00:00:00Z"
        case "wrong_type":
            name, value = _WRONG[number % len(_WRONG)]
            row[name] = value
        case "unknown_device":
            pass
        case _:
            raise KeyError(kind)
    return orjson.dumps(row)
