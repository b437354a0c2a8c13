"""Readings of a detector on one fault, some minutes after the start of the tests' plant, with their verdicts."""

from datetime import datetime, timedelta

from domain.anomaly import Anomaly, AnomalyKind
from domain.machine_test_runs import JudgedReading
from domain.verdict import Rung
from tests.support.plant import START


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def reading(minutes: float, score: float | None = 0.5, rung: Rung = Rung.IGNORE, **more: object) -> JudgedReading:
    seen = {"kind": AnomalyKind.DEVIATION, "asset": "pump", "failure_mode": "PDE", "at": after(minutes)}
    told = {**seen, "detector": "adx", "signal": "volt", "score": score, **more}
    return JudgedReading(Anomaly.model_validate(told), rung)
