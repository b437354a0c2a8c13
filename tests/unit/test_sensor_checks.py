"""A reading that cannot be what the machine did tells of its sensor, and is no evidence of the machine's fault."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.anomaly import Anomaly, AnomalyKind, Quality
from domain.assets import Observable, ObservableKind
from domain.canonical import canonical
from domain.sensors import INSTRUMENT_MODE, PreviousReading, SensorCheck, SensorLimits, SensorReading
from millwright.intake.sensor_checks import check_reading
from tests.support.plant import PUMP, START

SENSOR = "machine-001-volt"
VOLT = SensorLimits(sensor=SENSOR, low=0.0, high=400.0, max_rate=2.0, unit="V")
UNDECLARED = SensorLimits(sensor=SENSOR)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def deviating(value: float | None = 190.0) -> Anomaly:
    return Anomaly(
        kind=AnomalyKind.DEVIATION,
        asset=PUMP,
        failure_mode="PDE",
        at=START,
        detector="adx:volt",
        signal="volt",
        value=value,
        score=6.0,
        unit="V",
    )


def read(
    limits: SensorLimits = VOLT, unit: str | None = None, before: tuple[float, float] | None = None
) -> SensorReading:
    """A reading of the pump's signal.

    Args:
        before: how many seconds before it the last reading was, and its value.
    """
    previous = None if before is None else PreviousReading(at=START - timedelta(seconds=before[0]), value=before[1])
    return SensorReading(limits=limits, unit=unit, previous=previous, asset=PUMP, failure_mode="PDE")


@pytest.mark.parametrize(
    ("value", "reading", "failed"),
    [
        (190.0, read(), ()),
        (0.0, read(), ()),
        (400.0, read(), ()),
        (400.1, read(), (SensorCheck.RANGE,)),
        (-0.1, read(), (SensorCheck.RANGE,)),
        (190.0, read(unit="V"), ()),
        (190.0, read(unit="mV"), (SensorCheck.UNIT,)),
        (190.0, read(before=(10.0, 170.0)), ()),
        (190.0, read(before=(10.0, 169.0)), (SensorCheck.RATE,)),
        (190.0, read(before=(0.0, 1.0)), ()),
        (500.0, read(unit="mV", before=(10.0, 170.0)), (SensorCheck.RANGE, SensorCheck.RATE, SensorCheck.UNIT)),
        (9e9, read(UNDECLARED, unit="mV", before=(1.0, 0.0)), ()),
        (None, read(unit="mV"), ()),
    ],
)
def test_a_reading_fails_the_checks_that_it_breaks(
    value: float | None, reading: SensorReading, failed: tuple[SensorCheck, ...]
) -> None:
    assert deviating(value).checked(reading).reading == reading.model_copy(update={"failed": failed})


@pytest.mark.parametrize(
    ("value", "reading", "not_made"),
    [
        (190.0, read(unit="V", before=(10.0, 170.0)), set()),
        (190.0, read(), {SensorCheck.UNIT, SensorCheck.RATE}),
        (190.0, read(UNDECLARED, unit="V", before=(10.0, 170.0)), set(SensorCheck)),
        (None, read(unit="V", before=(10.0, 170.0)), set(SensorCheck)),
    ],
)
def test_a_check_that_is_not_possible_is_named_with_the_reason(
    value: float | None, reading: SensorReading, not_made: set[SensorCheck]
) -> None:
    assert reading.not_made(value).keys() == not_made
    assert all(reading.not_made(value).values())


def test_a_reading_that_fails_tells_of_its_sensor() -> None:
    of_sensor = deviating(9999.0).checked(read())
    assert (of_sensor.asset, of_sensor.failure_mode, of_sensor.quality) == (SENSOR, INSTRUMENT_MODE, Quality.BAD)
    assert of_sensor.reading is not None
    assert (of_sensor.reading.asset, of_sensor.reading.failure_mode) == (PUMP, "PDE")
    assert of_sensor.reading.words(9999.0) == "9999.0 is outside 0.0 to 400.0 V"


@given(
    value=NUMBERS | st.none(),
    unit=st.sampled_from([None, "V", "mV"]),
    before=st.none() | st.tuples(st.floats(0, 1e6), NUMBERS),
    low=st.none() | st.floats(-100, 0),
    high=st.none() | st.floats(1, 100),
    max_rate=st.none() | st.floats(0.001, 100),
)
def test_a_failed_check_is_never_evidence_of_the_machines_fault(
    value: float | None,
    unit: str | None,
    before: tuple[float, float] | None,
    low: float | None,
    high: float | None,
    max_rate: float | None,
) -> None:
    limits = SensorLimits(sensor=SENSOR, low=low, high=high, max_rate=max_rate, unit="V")
    checked = deviating(value).checked(read(limits, unit, before))
    assert checked.reading is not None
    of_machine = (checked.asset, checked.failure_mode) == (PUMP, "PDE")
    assert of_machine == (not checked.reading.failed)
    assert not set(checked.reading.failed) & checked.reading.not_made(value).keys()
    again = Anomaly.model_validate_json(canonical(checked))
    assert (again, again.wrongly_checked) == (checked, False)


@pytest.mark.parametrize(
    "altered",
    [
        {"value": 9999.0},
        {"asset": SENSOR},
        {"reading": read().model_copy(update={"failed": (SensorCheck.RANGE,)})},
        {"reading": read(VOLT.model_copy(update={"high": 180.0}))},
    ],
)
def test_an_altered_check_is_seen_when_it_is_made_again(altered: dict[str, object]) -> None:
    sound = deviating().checked(read())
    assert not sound.wrongly_checked
    assert sound.model_copy(update=altered).wrongly_checked


def test_an_anomaly_without_declared_limits_keeps_the_form_of_earlier_builds() -> None:
    signal = Observable(
        machine="machine-001", kind=ObservableKind.SIGNAL, name="volt", asset=PUMP, failure_mode="PDE", unit="V"
    )
    plain = deviating(9e9)
    assert check_reading(plain, signal, "mV") is plain
    assert b"reading" not in canonical(plain)
    assert "reading" not in plain.model_dump_json()


def test_limits_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be below"):
        SensorLimits(sensor=SENSOR, low=4.0, high=4.0)
