"""Suggestions for assets without a name: what is suggested first, what is clear, and what changes nothing."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.assets import Alias
from domain.cmms import ListedAsset
from domain.instances import SiteInstances
from millwright.asset_mapping.suggesting import NameSuggestion, UnnamedAsset, suggest
from millwright.asset_mapping.unnamed import names_in
from tests.support.plant import MOTOR, PUMP, START, register


def listed(external_id: str, description: str = "", **more: object) -> ListedAsset:
    return ListedAsset.model_validate({"external_id": external_id, "description": description, **more})


def asset(name: str, **more: object) -> UnnamedAsset:
    return UnnamedAsset.model_validate({"id": "a-1", "names": (name,), **more})


def only(suggestions: Sequence[NameSuggestion]) -> NameSuggestion:
    (found,) = suggestions
    return found


def test_an_equal_serial_number_comes_before_every_name_and_is_clear() -> None:
    records = [listed("P-7", "Feed pump 7"), listed("X-1", "spare", serial="sn 4711-A")]
    found = only(suggest([asset("Feed pump 7", serial="SN4711A")], records))
    assert [each.listed.external_id for each in found.candidates] == ["X-1", "P-7"]
    assert found.candidates[0].reasons[0] == "serial number equal"
    assert found.clear


def test_two_records_with_the_serial_number_are_not_clear() -> None:
    records = [listed("P-7", "Pump", serial="4711"), listed("P-8", "Pump", serial="4711")]
    assert not only(suggest([asset("Pump", serial="4711")], records)).clear


def test_a_placeholder_is_no_serial_number() -> None:
    records = [listed("P-7", "Compressor", serial="N/A"), listed("P-8", "Feed pump")]
    found = only(suggest([asset("Feed pump", serial="n/a")], records))
    assert [each.listed.external_id for each in found.candidates] == ["P-8"]


def test_names_are_alike_in_any_order_of_words_and_a_different_number_is_not() -> None:
    records = [listed("11430", "PUMP, FEED 007"), listed("11431", "Pump, feed 8")]
    found = only(suggest([asset("Feed pump 7")], records))
    assert [(each.listed.external_id, each.score) for each in found.candidates] == [("11430", 99), ("11431", 61)]
    assert found.candidates[0].reasons == ("name 100 % similar",)
    assert found.clear


def test_the_parent_decides_between_records_that_are_called_the_same() -> None:
    records = [listed("1", "Drive motor", parent="M-1"), listed("2", "Drive motor", parent="M-2")]
    found = only(suggest([asset("Drive motor", above=("M-2",))], records))
    assert [(each.listed.external_id, each.reasons[-1]) for each in found.candidates] == [
        ("2", "parent matches"),
        ("1", "parent differs"),
    ]
    assert found.clear


def test_a_name_that_another_asset_has_or_that_two_assets_would_get_is_not_clear() -> None:
    pump = asset("Feed pump")
    assert only(suggest([pump], [listed("P-7", "Feed pump")], {"P-7"})).candidates == ()
    both = suggest([pump, pump.model_copy(update={"id": "a-2"})], [listed("P-7", "Feed pump")])
    assert [each.clear for each in both] == [False, False]


def test_a_number_that_two_sites_use_is_not_clear_and_shows_its_site() -> None:
    records = [listed("P-7", "Feed pump", attributes={"siteid": site}) for site in ("BEDFORD", "NASHUA")]
    found = only(suggest([asset("Feed pump")], records))
    assert [each.listed.attributes["siteid"] for each in found.candidates] == ["BEDFORD", "NASHUA"]
    assert not found.clear


_WORDS = st.sampled_from(["pump", "feed", "motor", "drive", "7", "07", "8", "north"])
_RECORDS = st.lists(
    st.builds(
        listed,
        st.from_regex(r"[A-C]-[0-9]", fullmatch=True),
        st.lists(_WORDS, max_size=3).map(" ".join),
        serial=st.none() | st.sampled_from(["S-100", "S-200", "S-300"]),
        parent=st.none() | st.sampled_from(["M-1", "M-2"]),
    ),
    max_size=8,
    unique_by=lambda record: record.external_id,
)
_ASSETS = st.lists(
    st.builds(
        lambda number, name, serial: UnnamedAsset(id=f"a-{number}", names=(name,), serial=serial, above=("M-1",)),
        st.integers(1, 9),
        st.lists(_WORDS, min_size=1, max_size=3).map(" ".join),
        st.none() | st.sampled_from(["s100", "s200"]),
    ),
    max_size=4,
    unique_by=lambda unnamed: unnamed.id,
)


@given(_ASSETS, _RECORDS, st.randoms())
def test_the_order_of_the_records_makes_no_difference_and_the_serial_number_wins(
    assets: list[UnnamedAsset], records: list[ListedAsset], random: Random
) -> None:
    found = suggest(assets, records)
    shuffled = list(records)
    random.shuffle(shuffled)
    assert suggest(assets, shuffled) == found
    for suggestion in found:
        serial = (suggestion.asset.serial or "").replace("s", "S-")
        same = [record for record in records if serial and record.serial == serial]
        if len(same) == 1:
            assert suggestion.candidates[0].listed == same[0]
    firsts = [each.candidates[0].listed.external_id for each in found if each.clear]
    assert len(firsts) == len(set(firsts))


_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(_ANY_TEXT, _ANY_TEXT, st.lists(st.tuples(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT), max_size=4))
def test_any_names_are_compared_and_nothing_is_raised(
    called: str, serial: str, records: list[tuple[str, str, str]]
) -> None:
    found = suggest([asset(called, serial=serial)], [listed(name, text, serial=no) for name, text, no in records])
    assert all(0 <= each.score <= 100 and each.reasons for each in only(found).candidates)


def test_assets_without_a_name_are_the_machines_and_components_that_the_cmms_serves() -> None:
    known = register()
    serial = {"serial": "4711"}
    aliases = tuple(
        alias.model_copy(update={"attributes": serial}) if alias.external_id == "machine-001" else alias
        for alias in known.aliases
        if alias.external_id != "M001-COMP1"
    )
    plant = known.model_copy(update={"aliases": aliases})
    found = names_in(plant, "maximo", SiteInstances(otherwise="maximo"))
    assert found.taken == {"M001-COMP2"}
    assert [(each.id, each.serial, each.above) for each in found.unnamed] == [
        ("machine-001", "4711", ()),
        (PUMP, None, ()),
    ]
    assert found.unnamed[1].names == ("Machine 1 component 1",)
    named = Alias(system="cmms:maximo", external_id="M-1", asset="machine-001", valid_from=START)
    below = names_in(
        plant.model_copy(update={"aliases": (*aliases, named)}), "maximo", SiteInstances(otherwise="maximo")
    )
    assert [(each.id, each.above) for each in below.unnamed] == [(PUMP, ("M-1",))]
    assert names_in(plant, "odoo", SiteInstances(otherwise="maximo")).unnamed == []
    assert MOTOR not in {each.id for each in found.unnamed}
