"""`policy autonomy`, `promote` and `demote` as a person meets them."""

from tests.cli.conftest import Millwright
from tests.support.people import join


def test_every_class_and_mode_with_a_case_is_listed_with_what_it_needs(played: Millwright) -> None:
    (row,) = played.json("policy", "autonomy")
    assert (row["asset_class"], row["failure_mode"], row["state"], row["confirmed"]) == ("pump", "PDE", "review", 0)
    assert (row["target"], row["needed"], row["enforced"]) == (0.9, 20, False)
    assert "0.9, 20 confirmed" in played.says("policy", "autonomy")


def test_nobody_is_promoted_under_a_version_that_does_not_enforce_autonomy(played: Millwright) -> None:
    key = join(played.home, "ada", "approver")
    for command in ("promote", "demote"):
        said = played.refuses("policy", command, "pump", "PDE", "--reason", "earned", "--key", key)
        assert "does not enforce autonomy" in said


def test_a_key_that_is_not_there_is_asked_for(played: Millwright) -> None:
    key = join(played.home, "eve", "approver")
    (played.home / "people" / "eve.key").unlink()
    said = played.refuses("policy", "promote", "pump", "PDE", "--reason", "earned", "--key", key)
    assert "eve.key holds no signing key" in said
