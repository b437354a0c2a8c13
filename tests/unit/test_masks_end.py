"""A mask covers the readings of its sensor only, always ends, and never lets in what it held back."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.sensors import INSTRUMENT_MODE
from domain.suppression import Suppression, SuppressionKind
from tests.support.plant import PUMP, START
from tests.support.sensor_plant import SENSOR

HOURS = st.floats(-100, 200, allow_nan=False)
PLACES = (PUMP, "machine-001", "LINE-1", "BEDFORD")


def mask(lasts: timedelta, ended_after: timedelta | None = None) -> Suppression:
    until = START + lasts
    end = until if ended_after is None else min(until, START + ended_after)
    return Suppression(
        id="MK1",
        kind=SuppressionKind.MASK,
        asset=SENSOR,
        spared_asset=SENSOR,
        spared_mode=INSTRUMENT_MODE,
        from_at=START,
        until_at=until,
        end_at=end,
        reason="it reads 9999",
        made_by="millwright",
        made_at=START,
    )


@given(lasts=st.timedeltas(timedelta(minutes=1), timedelta(days=7)), hours=HOURS, returned=st.booleans())
def test_a_mask_covers_what_its_sensor_measured_and_nothing_after_its_end(
    lasts: timedelta, hours: float, returned: bool
) -> None:
    made, at = mask(lasts), START + timedelta(hours=hours)
    made = made.model_copy(update={"returned_at": made.end_at}) if returned else made
    within = START <= at < START + lasts
    assert made.covers((*PLACES, SENSOR), PUMP, "PDE", at) == within
    assert not made.covers((*PLACES, None), PUMP, "PDE", at)
    assert not made.covers((SENSOR, "machine-001", SENSOR), SENSOR, INSTRUMENT_MODE, at)
    assert made.holds_back(at, timedelta(hours=24))


def test_a_mask_says_which_sensor_is_suspected_until_when_and_why() -> None:
    assert mask(timedelta(days=1)).words == (
        "out of service until 2015-01-11 06:00 UTC at the latest, because the sensor machine-001-volt is suspected: "
        "it reads 9999 (MK1)"
    )
