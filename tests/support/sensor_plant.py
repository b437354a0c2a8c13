"""A judged plant whose signal `volt` has a sensor with declared limits."""

from domain.anomaly import Received
from domain.assets import Asset, Criticality, Level, PlantRegister
from domain.sensors import SensorLimits, SensorReading
from millwright.storage.events.register import RegisterStore
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, deviation, register

SENSOR = "machine-001-volt"
LIMITS = SensorLimits(sensor=SENSOR, low=0.0, high=400.0, unit="V")


def register_with_sensor(criticality: Criticality = Criticality.B) -> PlantRegister:
    """The small plant with the sensor of the pump, and what it can show."""
    plain = register(criticality)
    (pump,) = (asset for asset in plain.assets if asset.id == PUMP)
    sensor = Asset.model_validate(pump.model_dump() | {"id": SENSOR, "level": Level.SENSOR, "parent": PUMP})
    observables = tuple(
        each.model_copy(update={"limits": LIMITS} if each.name == "volt" else {}) for each in plain.observables
    )
    return plain.model_copy(update={"assets": (*plain.assets, sensor), "observables": observables})


async def prepare_sensor(plant: Plant, criticality: Criticality = Criticality.B) -> None:
    """Publishes the policies, and imports the register with the sensor."""
    await plant.prepare(criticality)
    await RegisterStore(plant.engine, plant.clock).keep(register_with_sensor(criticality), "tests")


def measured(hours: float, value: float, score: float = 6.0) -> Received:
    """A detector's row of the signal with its value, as reading gives it."""
    row = deviation(hours, score=score)
    assert row.anomaly is not None
    anomaly = row.anomaly.model_copy(update={"value": value})
    reading = SensorReading(limits=LIMITS, asset=anomaly.asset, failure_mode=anomaly.failure_mode)
    return row.model_copy(update={"anomaly": anomaly.checked(reading)})
