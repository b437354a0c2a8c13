"""What depends on a machine, read from the relationships of its twin."""

from datetime import UTC, datetime

from connectors.azure.digital_twins import TwinVocabulary
from connectors.azure.digital_twins.mapping import plant_register
from domain.dependents import standbys_of, stops_of

AS_OF = datetime(2015, 1, 1, tzinfo=UTC)
LINE: dict[str, object] = {"$dtId": "line", "lineId": "LINE-1"}


def leads(source: str, name: str, target: str) -> dict[str, object]:
    return {"$sourceId": source, "$targetId": target, "$relationshipName": name}


def attributes(*more: dict[str, object], words: TwinVocabulary | None = None) -> dict[str, dict[str, str]]:
    """The attributes of the twins of five machines, by machine."""
    machines: list[dict[str, object]] = [
        {
            "$dtId": f"m{number}",
            "deviceId": f"D{number}",
            "assetClass": "pump",
            "criticality": "B",
            "cmmsAssetnum": f"A{number}",
            "mesEquipmentId": f"EQ-{number}",
        }
        for number in range(1, 6)
    ]
    places = [leads("line", "contains", f"m{number}") for number in range(1, 6)]
    crew: dict[str, object] = {"$dtId": "crew"}
    register = plant_register([LINE, *machines, crew], [*places, *more], {}, words or TwinVocabulary(), AS_OF)
    assert register.unreadable == ()
    return {alias.asset: alias.attributes for alias in register.aliases if alias.system == "twin"}


def test_what_a_machine_feeds_stops_with_it_also_through_others_and_in_a_circle() -> None:
    found = attributes(
        leads("m1", "feeds", "m2"),
        leads("m2", "feeds", "m3"),
        leads("m3", "feeds", "m2"),
        leads("m4", "feeds", "m4"),
        leads("m1", "feeds", "crew"),
        leads("m1", "feeds", "gone"),
    )

    assert {machine: stops_of(each) for machine, each in found.items()} == {
        "LINE-1": (),
        "m1": ("m2", "m3"),
        "m2": ("m3",),
        "m3": ("m2",),
        "m4": (),
        "m5": (),
    }


def test_each_standby_is_known_with_its_name_in_the_mes() -> None:
    found = attributes(
        leads("m5", "standsInFor", "m1"), leads("m2", "standsInFor", "m1"), leads("m1", "standsInFor", "m1")
    )

    assert standbys_of(found["m1"]) == {"m2": "EQ-2", "m5": "EQ-5"}
    assert standbys_of(found["m5"]) == {}


def test_a_plant_may_call_the_relationships_otherwise() -> None:
    words = TwinVocabulary(feeds="supplies", standby="replaces")
    found = attributes(leads("m1", "supplies", "m2"), leads("m3", "replaces", "m1"), words=words)

    assert (stops_of(found["m1"]), standbys_of(found["m1"])) == (("m2",), {"m3": "EQ-3"})


def test_without_such_relationships_nothing_is_said() -> None:
    assert all(each == {} for each in attributes().values())
