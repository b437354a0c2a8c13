"""The sentences of `policy history` for the acts on a policy version."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from millwright.storage.policies.version_states import VersionAct

_ENDED = {"halted": "halted itself", "withdrawn": "was ended", "rolled_back": "was rolled back", "graduated": "is over"}


def words_of(told: "VersionAct") -> str:
    """The act as a sentence without its subject. An unknown act is described by its kind."""
    detail = told.detail
    match told.what:
        case "policy-drafted":
            return f"saved it as a draft, revision {detail['revision']}: {detail['reason']}"
        case "policy-published":
            return "stored it for good, under its number and digest"
        case "policy-submit-signed":
            return f"submitted it: {detail['meaning']}"
        case "policy-evidence":
            return _found(detail)
        case "policy-approved":
            return f"approved it: {detail['meaning']}"
        case "policy-assigned":
            return _assigned(detail)
        case "policy-came-into-force":
            return f"came into force as {detail['role']} for {detail['scope']}"
        case "policy-ended-by-date":
            return f"ended by its date as {detail['role']} for {detail['scope']}"
        case "policy-assignment-ended":
            how = _ENDED[str(detail["cause"])]
            return f"the {detail['role']} for {detail['scope']} {how}: {detail['reason']}"
        case _ if "meaning" in detail:
            return f"signed: {detail['meaning']}"
        case _:
            return told.what.removeprefix("policy-").replace("-", " ")


def _assigned(detail: "Mapping[str, object]") -> str:
    until = "" if detail.get("to") is None else f" until {detail['to']}"
    within = "" if detail.get("band") is None else f", within {detail['band']}"
    return f"made it {detail['role']} for {detail['scope']} from {detail['from']}{until}{within}: {detail['reason']}"


def _found(detail: "Mapping[str, object]") -> str:
    kind, result, body = str(detail["kind"]), str(detail["result"]), json.loads(str(detail["body"]))
    more = ""
    if kind == "check" and "cases" in body:
        more = f", with {body['cases']} cases"
    if kind == "proof" and "properties" in body:
        more = f": {len(body['properties'])} properties"
    if kind == "backtest" and "changed" in body:
        changed = body["changed"]
        more = f": {changed['assets']} assets would be touched, by up to {changed['max_rung_change']} rungs"
        if changed.get("unattended"):
            more += f"; machines added whose hold is released without a person: {changed['unattended']}"
    return f"its {kind} {result}{more}"
