"""The offline verifier's check of holds, with their placements and claims. Uses only standard Python.

Acts are the bodies of the acts on one subject, oldest first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from millwright.audit.offline_signatures import OfflineFinding, Row, differing, guarded
from millwright.audit.offline_test_runs import FollowedRun


def held_work(
    holds: Iterable[Row], acts: Iterable[Sequence[Row]], claimed: Collection[str] | None = None
) -> Iterator[OfflineFinding]:
    """Compares holds with all their acts, of any case, and finds missing holds.

    Args:
        claimed: the holds that must exist; by default all that were ever claimed.
    """
    told = [act for some in acts for act in some]
    by_hold: dict[Any, list[Row]] = {}
    for act in sorted(told, key=lambda act: int(act["number"])):
        if isinstance(act.get("detail"), dict):
            by_hold.setdefault(act["detail"].get("hold"), []).append(act)
    expected = set(claimed_holds(told) if claimed is None else claimed)
    for hold in holds:
        expected.discard(hold["key"])
        yield from guarded(f"hold {hold['key']}", hold_findings(hold, by_hold.get(hold["key"], [])))
    for key in sorted(expected):
        yield OfflineFinding("hold", f"hold {key}", "was recorded and is gone")


def claimed_holds(acts: Iterable[Row]) -> Iterator[str]:
    """The keys of the holds that were claimed."""
    for act in acts:
        key = (act.get("detail") or {}).get("hold")
        if act.get("kind") in ("hold-intended", "hold-shared", "hold-passed") and key is not None:
            yield key


def hold_findings(hold: Row, acts: Iterable[Row]) -> Iterator[OfflineFinding]:
    """Compares a hold's row, placements and claims with the acts of the cases that claimed it."""
    where = f"hold {hold['key']}"
    told = _ToldHold()
    for act in acts:
        if act["detail"].get("hold") == hold["key"]:
            told.follow(act["kind"], act["subject"].split("/", 1)[1], act["detail"], act["at"])
            told.faults += told.run.follow(act["kind"], act["detail"], act["at"], act["actor"])
    placements = {row["number"]: row for row in hold["placements"]}
    if {number: row["plan"] for number, row in placements.items()} != told.plans:
        yield OfflineFinding("hold", where, "its placements are not those recorded before they were placed")
    if {number: row["state"] for number, row in placements.items()} != told.states:
        yield OfflineFinding("hold", where, "how its placements stand is not as recorded")
    if told.state != hold["state"]:
        yield OfflineFinding("hold", where, f"is {hold['state']}, recorded is {told.state}")
    for fault in told.faults:
        yield OfflineFinding("hold", where, fault)
    if told.claims != hold["claims"]:
        yield OfflineFinding("hold", where, "the cases that claim it are not those recorded")
    if told.release != hold["release"]:
        yield OfflineFinding("hold", where, "who released it is not as recorded")
    # Packs of earlier builds have no test runs.
    if told.run.state != hold.get("test_run"):
        yield OfflineFinding("hold", where, "its test run is not as recorded")
    if "intended_at" in hold and told.is_whole:
        yield from _time_findings(where, hold, told)


def _time_findings(where: str, hold: Row, told: _ToldHold) -> Iterator[OfflineFinding]:
    """Compares where a hold is, and when and why it changed, with the acts."""
    if wrong := differing(hold, {**hold, **told.hold}, tuple(hold)):
        yield OfflineFinding("hold", where, f"{wrong} is not as recorded")
    for case, times in hold["claim_times"].items():
        if wrong := differing(times, {**times, **told.claim_times.get(case, {})}, tuple(times)):
            yield OfflineFinding("hold", where, f"{wrong} of the claim of case {case} is not as recorded")
    for row in hold["placements"]:
        own = {"receiver": row["plan"]["receiver"] or "", "job": row["plan"]["job"]}
        recorded = {**row, **own, **told.placements.get(row["number"], {})}
        if wrong := differing(row, recorded, tuple(row)):
            yield OfflineFinding("hold", where, f"{wrong} of placement {row['number']} is not as recorded")


class _ToldHold:
    """A hold rebuilt from its acts. Acts of builds before placements have only one job.

    `is_whole` is false for a hold of an earlier build: its acts do not tell all of `hold`, `claim_times` and
    `placements`, and packs of earlier builds have none of them.
    """

    def __init__(self) -> None:
        self.is_whole = False
        self.state: str | None = None
        self.plans: dict[int, Any] = {}
        self.states: dict[int, str] = {}
        self.claims: dict[str, str] = {}
        self.release: Any = None
        self.hold: Row = {"overruled_at": None, "ended_at": None, "reason": None}
        self.claim_times: dict[str, Row] = {}
        self.placements: dict[int, Row] = {}
        self.run = FollowedRun()
        self.faults: list[str] = []
        """What the acts tell that the hold store never does."""

    def follow(self, kind: str, case: str, detail: Row, at: str) -> None:
        if kind in ("hold-intended", "hold-shared"):
            self._claim(case, at)
            if kind == "hold-intended":
                self.state = "asked"
                self.hold["intended_at"] = at
                self.is_whole = "system" in detail
                self.hold |= {name: detail[name] for name in ("system", "equipment") if name in detail}
                plan = detail.get("plan")
                if plan is not None and plan["method"] in ("pause", "revoke_start"):
                    self.plans[1], self.states[1] = plan, "intended"
        elif kind == "hold-passed":
            self._drop(detail["from"], at)
            self._claim(detail["to"], at)
        elif kind == "hold-ready":
            self.claims[case] = "ready"
            self.claim_times.setdefault(case, {})["ready_at"] = at
        elif kind == "hold-dropped":
            # In an earlier build the last claim was dropped before the release, which needs an approval by production
            # now.
            if detail.get("left") == 0 and self.state == "asked":
                self.claims[case] = "ready"
            else:
                self._drop(case, at)
        elif kind == "hold-releasing":
            self._of_machine(detail.get("equipment"), "was released")
            if self.state not in ("asked", "testing"):
                self.faults.append(f"its release was approved while it was {self.state}")
            self.state, self.release = "releasing", detail["release"]
        elif kind == "hold-release-lapsed":
            self._releasing("its release lapsed")
            self.state, self.release = "asked", None
        elif kind == "hold-testing":
            self._releasing("it was let run on test")
            self.state = "testing"
        elif kind == "hold-asked-again":
            self._of_machine(detail.get("equipment"), "was asked for again")
            self.state, self.release = "asked", None
        elif kind == "hold-release-called":
            if detail["unanswered"]:
                self._releasing("the MES was told to let a job run")
            called_at = at if detail["unanswered"] else None
            self.placements.setdefault(detail["placement"], {})["release_called_at"] = called_at
        elif kind == "placement-passed":
            taken_over = {"intended_by": detail["by"], "intended_at": at}
            self.placements.setdefault(detail["placement"], {}).update(taken_over)
        elif kind.startswith("placement-"):
            self._move(kind.split("-", 1)[1].replace("-", "_"), detail, at)
        elif kind in ("hold-released", "hold-overruled", "hold-void"):
            self._ended(kind.split("-", 1)[1], detail, at)
        elif kind == "hold-placed":
            self.states[1] = "in_effect"
        elif kind == "hold-unproven":
            self.states[1] = "unproven"

    def _of_machine(self, equipment: Any, what: str) -> None:
        """Notes an act on another machine than that of the hold. Acts of earlier builds do not name the machine."""
        if equipment is not None and equipment != self.hold.get("equipment", equipment):
            self.faults.append(f"{what} on {equipment}, and is on {self.hold['equipment']}")

    def _releasing(self, what: str) -> None:
        if self.state != "releasing":
            self.faults.append(f"{what}, and no release was approved")

    def _claim(self, case: str, at: str) -> None:
        self.claims[case] = "working"
        self.claim_times[case] = {"claimed_at": at, "ready_at": None, "dropped_at": None}

    def _drop(self, case: str, at: str) -> None:
        self.claims[case] = "dropped"
        self.claim_times.setdefault(case, {}).setdefault("dropped_at", None)
        if self.claim_times[case]["dropped_at"] is None:
            self.claim_times[case]["dropped_at"] = at

    def _move(self, state: str, detail: Row, at: str) -> None:
        number = detail["placement"]
        self.states[number] = state
        if state == "intended":
            self._of_machine(detail["plan"]["equipment"], f"placement {number} was placed")
            self.plans[number] = detail["plan"]
            self.placements[number] = {
                "intended_by": detail.get("by"), "intended_at": at, "accepted_at": None, "in_effect_at": None,
                "release_called_at": None, "ended_at": None, "reason": None,
            }  # fmt: skip
            return
        row = self.placements.setdefault(number, {})
        row["reason"] = detail.get("reason")
        if state in ("accepted", "in_effect") and row.get("accepted_at") is None:
            row["accepted_at"] = at
        if state == "in_effect":
            row["in_effect_at"] = detail.get("read_at")
        if state in ("overruled", "ended", "released", "void"):
            row["ended_at"] = at
        release = detail.get("release")
        if (state == "overruled" or release is not None) and self.hold["overruled_at"] is None:
            self.hold["overruled_at"] = at
        self.release = release if "release" in detail else self.release

    def _ended(self, state: str, detail: Row, at: str) -> None:
        if "release" not in detail and 1 in self.states:
            # An earlier build also recorded a hold as released that was never proved to be placed.
            proved = self.states[1] != "unproven"
            state = state if proved else "void"
            self.states[1] = "released" if state == "released" else "void"
        elif state == "released" and self.release is None and detail.get("release") is None:
            self._releasing("it ended as released")
        self.state = state
        self.release = self.release if self.release is not None else detail.get("release")
        self.hold |= {"ended_at": at, "reason": detail.get("reason")}
        for case in [case for case, standing in self.claims.items() if standing != "dropped"]:
            self._drop(case, at)
