"""The offline verifier's check of actors: each act of a person against the acts that registered that person. Uses only
standard Python.

The kinds of actors, and the rule for each:

- a person: registered before the act, not left, and with one of the roles for it;
- `local`: the owner of the home in local mode, whom nothing in the record identifies; these acts are counted, and are
  never of a kind that people sign;
- `millwright`: what a policy or a setting does, for some kinds only. Whether a version allowed the release of a hold is
  compared in `offline_releases`;
- `operations` (a direct database command), a sender, an ingress or another system, by its name, and a policy version,
  by the beginning of its digest: they do no act of a person.
"""

from __future__ import annotations

from collections.abc import Iterator

from millwright.audit.offline_people import RecordedPeople, key_as_of
from millwright.audit.offline_signatures import OfflineFinding, Row, release_holds, stamp_of

_LOCAL = "local"
_CONTROL = ("operator", "approver")
_SHELVING = ("operator", "planner")
_ANY_SIGNER = ("author", "approver", "operator")
ROLES_OF_ACTS = {
    "case-decided": ("planner",),
    "outcome-stated": ("planner",),
    "order-corrected": ("planner",),
    "failure-stated": ("planner",),
    "hold-answered": ("production",),
    "suspect-lots-reviewed": ("quality",),
    "event-redriven": ("operator",),
    "hold-releasing": ("production",),
    "hold-asked-again": ("production",),
    "walk-down-begun": ("production",),
    "walk-down-looked": ("planner",),
    "walk-down-releasing": ("production",),
    "walk-down-withdrawn": ("production", "planner", "administrator"),
    "shelved": _SHELVING,
    "unshelved": _SHELVING,
    "window-opened": _SHELVING,
    "window-ended": _SHELVING,
    "action-stopped": ("operator",),
    "action-stop-lifted": _CONTROL,
    "policies-frozen": _CONTROL,
    "policies-thawed": _CONTROL,
    "policy-drafted": ("author",),
    "policy-evidence": _ANY_SIGNER,
    "policy-assigned": ("operator",),
    "policy-assignment-ended": _ANY_SIGNER,
    "policy-submit-signed": ("author",),
    "policy-approved": ("approver",),
    "policy-activated": ("operator",),
    "policy-canary-signed": ("operator",),
    "policy-shadow-signed": ("operator",),
    "policy-emergency-signed": ("operator",),
    "policy-rollback-signed": ("operator",),
    "policy-withdraw-signed": _ANY_SIGNER,
    "autonomy-approved": ("approver",),
    "autonomy-promoted": ("approver",),
    "autonomy-refused": ("approver",),
    "autonomy-lost": ("approver",),
}
"""The roles for each kind of act of a person, as in `domain.acting`."""
SIGNED_ACTS = {
    "hold-releasing",
    "hold-asked-again",
    "walk-down-begun",
    "walk-down-looked",
    "walk-down-releasing",
    "policy-assigned",
    "policy-assignment-ended",
    "policy-approved",
    "policy-activated",
    *(kind for kind in ROLES_OF_ACTS if kind.endswith("-signed") or kind.startswith("autonomy-")),
}
"""The kinds of acts that a person signs, as in `domain.acting`."""
SERVICES_OF_ACTS = {
    "hold-releasing": ("millwright",),
    "window-opened": ("millwright",),
    "window-ended": ("millwright",),
    "policy-assignment-ended": ("millwright",),
    "autonomy-lost": ("millwright",),
}


_REPORTED_KINDS = {"work", "standstill", "out_of_service", "mask"}
"""The kinds of windows that another system's report opens and ends."""


class Actors:
    """Follows the acts in the order of the ledger, and checks who did each."""

    def __init__(self) -> None:
        self.local = 0
        """The number of acts of `local`."""
        self.recorded = RecordedPeople()
        """The persons of the acts so far."""
        self._signed_releases = False
        """Whether a release was recorded by a build that has them signed."""
        self._reported: dict[str, str] = {}
        """The windows that reports of other systems opened, each with the system."""

    def follow(self, where: str, act: Row) -> Iterator[OfflineFinding]:
        """Checks the actor of one act.

        Args:
            where: the act's name.
            act: its body.
        """
        kind, actor, subject, detail = act["kind"], act["actor"], act["subject"], act["detail"]
        if subject.startswith("person/"):
            # What is wrong with the act is named where persons are compared with their rows.
            for _ in self.recorded.follow(act):
                pass
            return
        if kind == "window-opened" and detail.get("kind") in _REPORTED_KINDS:
            self._reported[subject] = actor
        # Earlier builds gave corrections of senders this kind too, and did not tell what the event reads as then.
        if kind == "event-redriven" and "row" not in detail:
            return
        roles = ROLES_OF_ACTS.get(kind)
        if roles is None or actor in SERVICES_OF_ACTS.get(kind, ()) or self._reported.get(subject) == actor:
            return
        if actor == _LOCAL:
            self.local += 1
            if kind in SIGNED_ACTS:
                yield OfflineFinding("actor", where, "is by local, who signs nothing")
            return
        person = self.recorded.people.get(actor)
        if person is None or not person["roles"]:
            yield OfflineFinding("actor", where, f"is in the name of {actor}, who was not registered then")
        elif person["left_at"] is not None:
            yield OfflineFinding("actor", where, f"is in the name of {actor}, who had left before")
        elif not set(person["roles"][-1]["roles"]).intersection(roles):
            yield OfflineFinding("actor", where, f"is by {actor}, who had not the role {' or '.join(sorted(roles))}")
        elif kind == "hold-releasing":
            yield from self._release(where, person, detail)
        elif kind == "hold-asked-again":
            yield from self._again(where, person, detail)

    def _release(self, where: str, person: Row, detail: Row) -> Iterator[OfflineFinding]:
        """The signature of a release. Before the first one that has a signature, an earlier build recorded none."""
        release = detail["release"]
        if "signature" not in release and not self._signed_releases:
            return
        self._signed_releases = True
        key = key_as_of(person, stamp_of(release["at"]))
        if not release_holds(key, detail["hold"], detail["equipment"], {"signature": None, **release}):
            yield OfflineFinding("actor", where, f"bears no signature of {release['by']} over this release")

    def _again(self, where: str, person: Row, detail: Row) -> Iterator[OfflineFinding]:
        """The signature of the person who has a machine held again."""
        again = detail["again"]
        key = key_as_of(person, stamp_of(again["at"]))
        if not release_holds(key, detail["hold"], detail["equipment"], again, "hold-again"):
            yield OfflineFinding("actor", where, f"bears no signature of {again['by']} over holding it again")
