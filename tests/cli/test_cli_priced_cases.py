"""`case show` of a case whose work is timed by the least cost."""

from tests.cli.conftest import Millwright, on_plant
from tests.support.judged_plant import Plant
from tests.support.priced_plant import prepare_priced, proposed


def test_a_case_shows_what_each_time_costs_and_how_wrong_an_input_may_be(
    millwright: Millwright, database_url: str
) -> None:
    async def work(plant: Plant) -> None:
        await prepare_priced(plant)
        await proposed(plant)

    on_plant(database_url, work)
    [case] = [case["id"] for case in millwright.json("case", "list")]

    prices = millwright.json("case", "show", case)["case"]["urgency"]["prices"]
    shown = millwright.says("case", "show", case)

    assert prices["currency"] == "EUR"
    assert {each["time"] for each in prices["times"]} == {"now", "after_batch", "planned_stop", "derated"}
    assert "in EUR:" in shown
    assert "another choice below" in shown
    assert "lead_time" in shown
    assert prices["times"][0]["total"] in shown
