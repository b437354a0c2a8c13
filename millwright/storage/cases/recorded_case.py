"""What the ledger says of a case, compared with its row before another system is told anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import Json, sha256
from domain.cases import Decision, why_called_off
from domain.corrections import AssetName, DraftCorrection
from domain.errors import ActionRequired, Unavailable
from domain.hold_proposals import HoldAnswer, HoldProposal
from domain.judging import recorded_verdict
from domain.verdict import Rung, Verdict
from domain.work_orders import WorkOrderDraft, WorkOrderRecord
from millwright.storage.database.asset_rows import REGISTER_HELD

_SAID = text(
    f"""
    SELECT c.asset, c.failure_mode, c.version, c.verdict, c.rung, c.decision, c.withdraw, c.hold_proposal,
        (SELECT json_agg(json_build_array(a.id, a.body) ORDER BY a.id) FROM acts a
            WHERE a.subject = 'case/' || c.id AND a.kind IN ('case-opened', 'case-raised', 'case-decided',
                'case-unsupported', 'case-supported', 'case-called-off', 'case-not-needed', 'case-evidence-revised',
                'order-intended', 'order-placed', 'order-changed', 'order-attached', 'order-detached',
                'order-corrected', 'hold-proposed', 'hold-answered')) AS acts,
        (SELECT json_agg(json_build_array(v.body, v.digest)) FROM evidence d
            JOIN verdicts v ON (v.event_id, v.revision) = (d.event_id, d.revision)
            WHERE d.case_id = c.id AND d.how IN ('opened', 'raised') AND v.role = 'active'
            AND (v.asset, v.failure_mode) = (c.asset, c.failure_mode)) AS verdicts,
        (SELECT json_agg(json_build_array(a.id, a.body) ORDER BY a.id) FROM acts a
            WHERE a.subject = 'asset/' || c.asset AND a.kind = 'alias-recorded') AS names,
        (SELECT min(a.id) FROM acts a WHERE a.subject = 'register' AND a.kind = '{REGISTER_HELD}') AS register_held
    FROM cases c WHERE c.id = :case
    """
)


class _SaidRow(NamedTuple):
    asset: str
    failure_mode: str
    version: str
    verdict: object
    rung: int
    decision: object
    withdraw: str | None
    hold_proposal: object
    acts: list[tuple[int, str]] | None
    verdicts: list[tuple[str, str]] | None
    names: list[tuple[int, str]] | None
    register_held: int | None


class _Act(NamedTuple):
    id: int
    kind: str
    actor: str
    at: str
    detail: dict[str, Json]

    @classmethod
    def read(cls, number: int, body: str) -> Self:
        whole = orjson.loads(body)
        return cls(number, whole["kind"], whole["actor"], whole["at"], whole["detail"])


@dataclass(frozen=True, slots=True)
class Said:
    """A case as its acts tell of it up to some moment.

    Attributes:
        ground: the act that opened the case, or raised it last; None if no act opened it.
        rung: the rung that this act told.
        decision: what a person decided.
        withdraw: why its work was called off without a person's decision.
        order: the order as it was read last.
        proposal: what production was asked since, with its newest answer.
        tells_support: whether acts tell that the case lost or regained its evidence. Those of earlier builds do not.
    """

    ground: _Act | None
    rung: Rung
    decision: Decision | None
    withdraw: str | None
    order: WorkOrderRecord | None
    proposal: HoldProposal | None
    tells_support: bool

    @classmethod
    def by(cls, acts: Sequence[_Act]) -> Self:
        ground: _Act | None = None
        decision: Decision | None = None
        order: WorkOrderRecord | None = None
        proposal: HoldProposal | None = None
        withdraw, told, revised = None, False, False
        for act in acts:
            if act.kind in ("case-opened", "case-raised"):
                ground = act
            elif act.kind == "hold-proposed":
                proposal = HoldProposal.model_validate(act.detail["proposal"])
            elif act.kind == "hold-answered" and proposal is not None:
                answer = HoldAnswer.model_validate(act.detail["answer"])
                proposal = proposal.model_copy(update={"answer": answer})
            elif act.kind == "case-decided":
                # Earlier builds did not record when the person decided, only when that was stored.
                decision = Decision.model_validate({"at": act.at, **act.detail, "by": act.actor})
            elif act.kind in ("case-unsupported", "case-called-off", "case-not-needed"):
                withdraw, told = str(act.detail["reason"]), True
            elif act.kind == "case-supported":
                withdraw, told = None, True
            elif act.kind == "case-evidence-revised":
                revised = True
            elif act.kind == "order-detached":
                order = None
            elif act.kind in ("order-placed", "order-changed", "order-attached"):
                order = WorkOrderRecord.model_validate(act.detail["record"])
        rung = Rung.IGNORE if ground is None else Rung[str(ground.detail["rung"]).upper()]
        return cls(ground, rung, decision, withdraw, order, proposal, told or not revised)

    @property
    def accepted(self) -> bool:
        """Whether a person said yes."""
        return self.decision is not None and self.decision.approved

    @property
    def overruled(self) -> bool:
        """Whether a person said no."""
        return self.decision is not None and not self.decision.approved

    @property
    def called_off(self) -> str | None:
        """Why no work is wanted any more; None if it is."""
        return why_called_off(self.decision, self.withdraw)

    @property
    def wants_order(self) -> bool:
        """Whether the rung asks for an order, or a person accepted the case."""
        return self.rung.orders or self.accepted

    @property
    def wants_no_review(self) -> bool:
        """Whether an order may be approved in the CMMS without a planner's review."""
        return self.rung >= Rung.WORK_ORDER or self.accepted


class RecordedCase:
    """The acts of a case, of one moment, with the verdicts that they name and the names of its asset.

    Attributes:
        version: the digest of the version that the case rests on.
        said: what they tell of the case.
        intended: the act that recorded the draft of its order; None before that, and after an order of a person was
            detached.
        draft: that draft.

    Raises:
        ValueError, KeyError, TypeError: an act cannot be read.
    """

    def __init__(self, case: str, operation: str, row: _SaidRow) -> None:
        self.case = case
        self.asset, self.failure_mode, self.version = row.asset, row.failure_mode, row.version
        self._operation = operation
        self._acts = [_Act.read(*act) for act in row.acts or ()]
        self._verdicts = [(body, orjson.loads(body), digest) for body, digest in row.verdicts or ()]
        self._names = [_Act.read(*act) for act in row.names or ()]
        self._register_held = row.register_held
        self.said = Said.by(self._acts)
        self.intended = self._intended()
        self.draft = None if self.intended is None else WorkOrderDraft.model_validate(self.intended.detail["draft"])

    def _intended(self) -> _Act | None:
        newest = next((act for act in reversed(self._acts) if act.kind in ("order-intended", "order-detached")), None)
        return None if newest is None or newest.kind == "order-detached" else newest

    def correction_fault(self, corrections: Sequence[DraftCorrection], systems: Sequence[str]) -> str | None:
        """What differs between the corrections of the draft and the acts of the people who made them, in words.

        Args:
            corrections: as they are stored with the draft.
            systems: those whose names for the asset count.
        """
        since = 0 if self.intended is None else self.intended.id
        acts = [act for act in self._acts if act.kind == "order-corrected" and act.id > since]
        told = [DraftCorrection.model_validate(act.detail["correction"]) for act in acts]
        if told != list(corrections) or [correction.by for correction in told] != [act.actor for act in acts]:
            return "what people corrected of the draft is not as in the record"
        for act, correction in zip(acts, told, strict=True):
            names = self.names(act)
            there = [(name["external_id"], name["attributes"]) for name in names or () if name["system"] in systems]
            for after in (change.after for change in correction.changes):
                if (
                    names is not None
                    and isinstance(after, AssetName)
                    and (after.external_id, after.attributes) not in there
                ):
                    return f"in the record {self.asset} has another name or other attributes than {after.external_id}"
        return None

    def fault(self, row: _SaidRow) -> tuple[str, str] | None:
        """What differs between the row and the acts, in words, and its field."""
        opened = [act.detail for act in self._acts if act.kind == "case-opened"]
        if [(detail["asset"], detail["failure_mode"]) for detail in opened] != [(row.asset, row.failure_mode)]:
            return f"the record has no case of this key on {row.asset} for {row.failure_mode}", "asset"
        if self.said.rung != row.rung:
            return f"the case is at rung {row.rung}, and in the record at {self.said.rung.word}", "rung"
        kept, decision = Verdict.model_validate(row.verdict), None
        recorded = self.verdict(self.said, kept.policy, kept.version)
        if recorded is None:
            return "the verdict that this case rests on is gone or was altered", "verdict"
        if (recorded, recorded.digest) != (kept, row.version):
            return "the verdict in the case is not the one in the record", "verdict"
        if row.decision is not None:
            decision = Decision.model_validate(row.decision)
        if _decided(decision) != _decided(self.said.decision):
            return "the decision on the case is not the one in the record", "decision"
        proposal = None if row.hold_proposal is None else HoldProposal.model_validate(row.hold_proposal)
        if proposal != self.said.proposal:
            return "what production was asked, or answered, is not as in the record", "hold_proposal"
        if self.said.tells_support and self.said.withdraw != row.withdraw:
            return "why the case is to be withdrawn is not as in the record", "withdraw"
        return None

    def said_before(self, act: _Act | None) -> Said:
        """What was told of the case before an act of it, or is by now."""
        return self.said if act is None else Said.by([each for each in self._acts if each.id < act.id])

    def verdict(self, said: Said, policy: str, version: str) -> Verdict | None:
        """The verdict that the case rested on: the one that its act names, on its own asset and failure mode. None if
        there is none, or it was altered."""
        for body, told, digest in self._verdicts:
            names = (told["event"], str(told["version"])[:12], told["rung"])
            if said.ground is None or names != (said.ground.detail["event"], said.ground.actor, said.rung):
                continue
            if sha256(body.encode()) == digest:
                return recorded_verdict(told, policy, version)
        return None

    def names(self, before: _Act | None) -> list[dict[str, Json]] | None:
        """The names of the asset that were in force before an act, or are by now; None where an earlier build did not
        record them."""
        held, newest = self._register_held, dict[tuple[Json, Json], dict[str, Json]]()
        if held is None or (before is not None and before.id < held):
            return None
        for act in self._names:
            if before is None or act.id < before.id:
                newest[act.detail["system"], act.detail["external_id"]] = act.detail
        return [name for name in newest.values() if name["valid_to"] is None]

    def altered(self, wrong: str, field: str) -> ActionRequired:
        """The error that stops what was about to be sent."""
        return ActionRequired(
            f"{wrong}; nothing is sent: run `millwright audit verify`, and find out who changed it",
            system="record",
            operation=self._operation,
            key=self.case,
            field=field,
        )

    def called_off(self) -> Unavailable:
        """The error that stops what was about to be sent for a case that was called off after its step had read it: the
        step is tried again, and reads that."""
        return self.moved_on(f"the work was called off meanwhile: {self.said.called_off}")

    def moved_on(self, words: str) -> Unavailable:
        """The error of a step whose case has changed since it was read."""
        return Unavailable(words, system="record", operation=self._operation, key=self.case)


def _decided(decision: Decision | None) -> tuple[bool, str, str] | None:
    return None if decision is None else (decision.approved, decision.by, decision.reason)


async def recorded_case(connection: AsyncConnection, case: str, operation: str) -> RecordedCase:
    """Reads the acts of a case in one statement, and compares with them what steers its work.

    Args:
        operation: what is about to be done, for the error.

    Raises:
        ActionRequired: asset, failure mode, rung, verdict, decision or withdrawal differ, or an act cannot be read:
            somebody has altered the database.
    """
    row = _SaidRow._make((await connection.execute(_SAID, {"case": case})).one())
    try:
        recorded = RecordedCase(case, operation, row)
        fault = recorded.fault(row)
    except (ValueError, KeyError, TypeError) as error:
        raise ActionRequired(
            "an act of the case, or its verdict, cannot be read; nothing is sent: run `millwright audit verify`",
            system="record",
            operation=operation,
            key=case,
        ) from error
    if fault is not None:
        raise recorded.altered(*fault)
    return recorded
