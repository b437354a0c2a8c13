"""The page of an evidence pack: first the part for planners, then the part for auditors, with the pack itself
embedded."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.production import ISOLATION_NOTICE
from domain.shown_signatures import ShownSignature, SignatureDisplay
from millwright.audit.offline_pack import PACK_BEGINS, PACK_ENDS
from millwright.audit.offline_people import key_as_of, person_id
from millwright.audit.offline_signatures import Row
from millwright.pages import render

_KINDS = {"shelf": "shelf", "window": "window of planned work", "work": "work in progress"}
_OBSERVED = ("signal", "value", "score", "baseline", "code")
_TELLING = ("meaning", "reason", "how", "rung", "hold")
"""Fields of an act's detail; the first existing one is shown."""


def write_page(pack: Row) -> str:
    """The page, with the marks between which the pack is inserted. It loads nothing from other places."""
    parts = pack["parts"]
    named = {person_id(person): person.get("printed_name") for person in parts["people"]}
    names = {person: name for person, name in named.items() if name is not None}
    display = SignatureDisplay(names, ZoneInfo(pack["time_zone"]))
    about = _of_case(parts) if pack["subject"]["kind"] == "case" else _of_version(parts, pack["subject"]["id"])
    return render(
        "evidence.html.j2",
        pack=pack,
        kinds=_KINDS,
        held_back=[
            {"verdict": each, "by": suppression["id"]}
            for suppression in parts["suppressions"]
            for each in suppression["held"]
        ],
        key_of=_key_of(parts["people"]),
        shown=_shown(display),
        isolation_notice=ISOLATION_NOTICE,
        carried=PACK_BEGINS + PACK_ENDS,
        **about,
    )


def _key_of(people: list[Row]) -> Callable[[Row], str]:
    """The key of who made a signature, as of then."""
    known = {person_id(person): person for person in people}

    def key(signed: Row) -> str:
        person = known.get(str(signed["person"]))
        return "-" if person is None else key_as_of(person, signed["at"]) or "-"

    return key


def _shown(display: SignatureDisplay) -> Callable[[str, str, str | None], ShownSignature]:
    """Shows a signature by who signed it, the time and the meaning."""

    def shown(person: str, at: str, meaning: str | None) -> ShownSignature:
        return display.of(person, datetime.fromisoformat(at), meaning or "")

    return shown


def _of_case(parts: Row) -> dict[str, object]:
    [case] = parts["cases"]
    deciding = [
        decision
        for decision in parts["decisions"]
        if decision["role"] == "active" and decision["standing"] and not decision["aside"]
    ]
    acting = next(
        (decision for decision in deciding if decision["rung"] == case["rung"]), deciding[0] if deciding else None
    )
    return {
        "case": case,
        "acting": acting,
        "others": [decision for decision in parts["decisions"] if decision is not acting],
        "observed": [_observed(event) for event in parts["events"]],
        "versions": [
            policy for policy in parts["policies"] if acting is not None and policy["digest"] == acting["digest"]
        ],
        "acts": list(_acts(parts, f"case/{case['id']}")),
    }


def _of_version(parts: Row, name: str) -> dict[str, object]:
    policy, _, number = name.partition("@")
    [version] = [
        published for published in parts["policies"] if (published["policy"], published["version"]) == (policy, number)
    ]
    subjects = (f"policy/{version['digest']}", f"draft/{version['policy']}/{version['version']}")
    return {"case": None, "versions": [version], "acts": list(_acts(parts, *subjects))}


def _observed(event: Row) -> dict[str, object]:
    anomaly = json.loads(event["anomaly"])
    told = {name: value for name, value in anomaly.items() if value not in (None, "", [], {})}
    words = ", ".join(f"{name} {told[name]}" for name in _OBSERVED if name in told)
    return {"event": event, "detector": told.get("detector", ""), "words": words}


def _acts(parts: Row, *subjects: str) -> Iterable[dict[str, object]]:
    for act in parts["acts"]:
        if act["subject"] in subjects:
            detail = json.loads(act["body"])["detail"]
            words = next((str(detail[name]) for name in _TELLING if detail.get(name)), "")
            # The signature of a release stands where the hold is shown.
            yield {"act": act, "words": words, "meaning": detail.get("meaning") if "signature" in detail else None}
