"""Checks the reading of an anomaly by the declared limits of its signal, before anything is judged."""

from domain.anomaly import Anomaly
from domain.assets import Observable
from domain.sensors import SensorReading


def check_reading(anomaly: Anomaly, observable: Observable | None, unit: str | None) -> Anomaly:
    """The anomaly with what its checks found; unchanged if the register declares no limits of its signal.

    Args:
        observable: the signal in the register; None if the anomaly names none that is known.
        unit: the unit that the sender named.
    """
    if observable is None or observable.limits is None:
        return anomaly
    reading = SensorReading(limits=observable.limits, unit=unit, asset=anomaly.asset, failure_mode=anomaly.failure_mode)
    return anomaly.checked(reading)
