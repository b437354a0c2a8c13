"""A judge that reverses its verdicts."""

from domain.anomaly import Anomaly, AnomalyKind
from domain.verdict import Context, Memory, Rung, Verdict
from policies.engine.catalogue import Catalogue


class ReversingJudge(Catalogue):
    """A judge whose later verdicts revise orders away: a shift asks for an order unless the last risk is low.

    The shipped versions never lower a verdict because of a late event; another plant's version may.
    """

    def __init__(self) -> None:
        super().__init__()
        for version in Catalogue.published().versions:
            self.load(version.text, version.digest, file=version.document.version)

    def judge(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> tuple[Verdict, Memory]:
        verdict, after = super().judge(version, memory, anomaly, context)
        shift = anomaly.kind is AnomalyKind.DEVIATION and anomaly.quality == "good"
        if shift and (anomaly.score or 0) > 4:
            rung = Rung.WATCH if after.risk == "Low" else Rung.WORK_ORDER
            return verdict.model_copy(update={"rung": rung}), after
        return verdict, after
