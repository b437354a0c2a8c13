"""A version's life on the command line, each person with their own keys."""

from pathlib import Path

import psycopg
import pytest

from domain.canonical import canonical
from millwright.runtime.plant_clock import clock_of
from millwright.storage.policies.lifecycle import Lifecycle
from tests.cli.conftest import Millwright, on_plant
from tests.support.judged_plant import Plant
from tests.support.people import join
from tests.support.plant import UNASKED
from tests.support.policy_people import candidate

SHIPPED = Path(__file__).parents[2] / "policies" / "published" / "rotating-equipment"
CASES = "1.1.0-cases.yaml"
Keys = dict[str, str]


@pytest.fixture
def keys(played: Millwright) -> Keys:
    """The API keys of an author, two approvers and two operators."""
    people = {"anna": "author", "bert": "approver", "carla": "approver", "emil": "operator", "fred": "operator"}
    return {name: join(played.home, name, role) for name, role in people.items()}


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A candidate's file, its cases beside it."""
    folder = tmp_path / "drafts"
    folder.mkdir()
    (folder / "1.2.0.yaml").write_text(candidate().text)
    (folder / CASES).write_text((SHIPPED / CASES).read_text())
    return folder / "1.2.0.yaml"


def in_review(millwright: Millwright, keys: Keys, draft: Path, database_url: str) -> str:
    """Drafts and submits; a backtest found a hundred assets changed."""
    said = millwright.says("policy", "draft", str(draft), "--reason", "a shorter window", "--key", keys["anna"])
    assert "1.2.0 is saved as revision 1" in said
    assert "in review" in millwright.says("policy", "submit", "1.2.0", "--key", keys["anna"])
    digest = next(
        version["digest"] for version in millwright.json("policy", "list")["versions"] if version["version"] == "1.2.0"
    )

    async def backtested(plant: Plant) -> None:
        body = canonical({"changed": {"assets": 100, "max_rung_change": 1, "unattended": 0}}).decode()
        await plant_lifecycle(plant).attach(digest, "backtest", passed=True, body=body, by="anna")

    on_plant(database_url, backtested)
    return str(digest)


def plant_lifecycle(plant: Plant) -> Lifecycle:
    return Lifecycle(plant.engine, clock_of("wall"))


def approve(millwright: Millwright, keys: Keys, *people: str) -> str:
    return [
        millwright.says("policy", "approve", "1.2.0", "--meaning", "I read it and its cases", "--key", keys[person])
        for person in people
    ][-1]


def state(millwright: Millwright) -> tuple[str, list[str]]:
    found = next(version for version in millwright.json("policy", "list")["versions"] if version["version"] == "1.2.0")
    return found["state"], found["places"]


def test_from_a_draft_to_a_rollback(played: Millwright, keys: Keys, draft: Path, database_url: str) -> None:
    digest = in_review(played, keys, draft, database_url)
    assert state(played)[0] == "in review"
    refused = played.refuses("policy", "activate", "1.2.0", "--reason", "now", "--key", keys["emil"])
    assert "no approval by anyone but its author" in refused
    assert "1 more" in approve(played, keys, "bert")
    assert "is approved" in approve(played, keys, "carla")
    assert state(played) == ("approved", [])
    played.says("policy", "shadow", "1.2.0", "--reason", "a look", "--key", keys["emil"])
    said = played.says("policy", "canary", "1.2.0", "--line", "LINE-1", "--reason", "a try", "--key", keys["emil"])
    assert said.endswith("\nIt reaches 1 machine.\n")
    assert state(played) == ("approved", ["shadow for every line", "canary for line LINE-1"])
    assert "1.2.0" in played.says("policy", "in-force", "--line", "LINE-1")
    assert "1.1.0" in played.says("policy", "in-force", "--line", "LINE-2")
    played.says("policy", "withdraw", "1.2.0", "--only", "canary", "--reason", "seen enough", "--key", keys["emil"])
    played.says("policy", "activate", "1.2.0", "--reason", "good", "--key", keys["emil"])
    assert state(played) == ("active", ["active for every line"])
    rolled = played.says("policy", "rollback", "1.2.0", "--to", "1.1.0", "--reason", "worse", "--key", keys["fred"])
    assert f"in the place of {digest}: worse" in rolled
    assert state(played)[0] == "rolled back"
    story = [act["what"] for act in played.json("policy", "history", "1.2.0")]
    assert story[:3] == ["policy-drafted", "policy-published", "policy-submit-signed"]
    assert story.count("policy-approved") == 2
    assert played("audit", "verify").exit_code == 0


def test_nobody_acts_without_a_key_or_with_anothers(
    played: Millwright, keys: Keys, draft: Path, database_url: str, tmp_path: Path
) -> None:
    in_review(played, keys, draft, database_url)
    words = ("policy", "approve", "1.2.0", "--meaning", "fine")
    assert "no API key is given" in played.refuses(*words)
    assert "it needs the role approver" in played.refuses(*words, "--key", keys["anna"])
    carlas = str(played.home / "people" / "carla.key")
    assert "the signature is not bert's" in played.refuses(*words, "--key", keys["bert"], "--signing-key", carlas)
    assert "no signing key" in played.refuses(*words, "--key", keys["bert"], "--signing-key", str(tmp_path / "none"))
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE people SET left_at = now() WHERE id = 'bert'")
    played.restart_api()  # A running one knows a key for a few seconds longer.
    assert "nobody has this API key" in played.refuses(*words, "--key", keys["bert"])


def test_a_draft_that_does_not_pass_its_checks_is_not_submitted(played: Millwright, keys: Keys, draft: Path) -> None:
    (draft.parent / CASES).write_text("cases: []\n")
    played.says("policy", "draft", str(draft), "--reason", "a shorter window", "--key", keys["anna"])
    assert "checks did not pass" in played.refuses("policy", "submit", "1.2.0", "--key", keys["anna"])
    assert [saved["version"] for saved in played.json("policy", "list")["drafts"]] == ["1.2.0"]


def test_a_draft_whose_promise_is_broken_is_not_submitted_and_is_told_which(
    played: Millwright, keys: Keys, draft: Path
) -> None:
    promise = "{ when: anomaly.kind == 'code', rung_at_least: draft }"
    broken = f"properties:\n  - {{ id: codes-order, says: A code orders., always: {promise} }}\n"
    draft.write_text(draft.read_text().replace("properties:\n", broken))
    played.says("policy", "draft", str(draft), "--reason", "a promise", "--key", keys["anna"])
    refused = played.refuses("policy", "submit", "1.2.0", "--key", keys["anna"])
    assert "its property codes-order (A code orders.) is refuted" in refused


def test_only_a_backtest_of_the_whole_past_against_what_is_in_force_is_attached(
    played: Millwright, keys: Keys, draft: Path
) -> None:
    asked = ("policy", "backtest", "1.2.0", "--attach", "--key", keys["anna"])
    played.says("policy", "draft", str(draft), "--reason", "a shorter window", "--key", keys["anna"])
    assert "is stored (there are" in played("policy", "backtest", str(draft), *asked[3:]).stderr
    played.says("policy", "submit", "1.2.0", "--key", keys["anna"])
    assert "a part of the past is not attached" in played(*asked, "--since", "2015-01-01").stderr
    assert "against 1.1.0, in force now, is attached" in played(*asked, "--against", "1.0.0").stderr
    assert "this needs a signed-in person" in played(*asked[:-2]).stderr
    assert lacking(played) == 3


def test_versions_go_to_git_and_come_back_with_the_same_digest(
    played: Millwright, keys: Keys, draft: Path, database_url: str, tmp_path: Path
) -> None:
    digest = in_review(played, keys, draft, database_url)
    folder = tmp_path / "git"
    assert "3 versions" in played.says("policy", "export", str(folder))
    assert (folder / "rotating-equipment" / "1.1.0.yaml").read_text() == (SHIPPED / "1.1.0.yaml").read_text() + UNASKED
    assert f'"1.2.0" = "{digest}"' in (folder / "digests.toml").read_text()
    said = played.says("policy", "import", str(folder), "--reason", "from Git", "--key", keys["anna"])
    assert said == "3 versions are stored already, with the same digest.\n"
    copied = folder / "rotating-equipment" / "1.2.0.yaml"
    copied.write_text(copied.read_text().replace("version: 1.2.0", "version: 1.3.0"))
    copied.rename(copied.with_name("1.3.0.yaml"))
    said = played.says("policy", "import", str(folder), "--reason", "from Git", "--key", keys["anna"])
    assert "1.3.0 is saved as revision 1" in said
    stored = folder / "rotating-equipment" / "1.1.0.yaml"
    stored.write_text(stored.read_text().replace("PT24H", "PT12H"))
    refused = played.refuses("policy", "import", str(folder), "--reason", "from Git", "--key", keys["anna"])
    assert "give the changed text a new version" in refused


def test_stops_and_freezes_are_thrown_listed_and_lifted(played: Millwright, keys: Keys) -> None:
    said = played.says("policy", "stop", "order", "--site", "BEDFORD", "--reason", "CMMS moved", "--key", keys["emil"])
    assert "Kill switch 1 is active" in said
    assert "It reaches 1 machine." in said
    assert "another person" in played.refuses("policy", "lift", "1", "--reason", "over", "--key", keys["emil"])
    assert "cannot be stopped" in played.refuses("policy", "stop", "all", "--reason", "x", "--key", keys["emil"])
    played.says("policy", "lift", "1", "--reason", "over", "--key", keys["fred"])
    assert [stop["lifted_by"] for stop in played.json("policy", "stops")] == ["fred"]
    window = ("--from", "2026-12-20T00:00:00Z", "--to", "2027-01-03T00:00:00Z")
    said = played.says("policy", "freeze", *window, "--reason", "stocktaking", "--key", keys["bert"])
    assert said == ("Freeze 1 stands; another person can lift it: millwright policy thaw 1\nIt reaches 1 machine.\n")
    refused = played.refuses("policy", "thaw", "1", "--reason", "done early", "--key", keys["bert"])
    assert "bert declared it, so another person must lift it" in refused
    played.says("policy", "thaw", "1", "--reason", "done early", "--key", keys["carla"])
    assert [freeze["thawed_by"] for freeze in played.json("policy", "freezes")] == ["carla"]
    wrong = played.refuses(
        "policy", "freeze", "--from", "soon", "--to", "later", "--reason", "x", "--key", keys["bert"]
    )
    assert "is no instant" in wrong


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stop", "order", "--site", "BEDFROD"), "site: there is no site BEDFROD (did you mean BEDFORD?)"),
        (("stop", "order", "--class", "pmup"), "asset_class: there is no asset class pmup (did you mean pump?)"),
    ],
)
def test_a_stop_for_a_misspelt_scope_is_refused_with_the_nearest_name(
    played: Millwright, keys: Keys, words: tuple[str, ...], said: str
) -> None:
    assert played.refuses("policy", *words, "--reason", "x", "--key", keys["emil"]) == said
    assert played.json("policy", "stops") == []


def test_a_backtest_that_is_attached_says_how_many_must_approve(played: Millwright, keys: Keys, draft: Path) -> None:
    played.says("policy", "draft", str(draft), "--reason", "a try", "--key", keys["anna"])
    played.says("policy", "submit", "1.2.0", "--key", keys["anna"])
    assert lacking(played) == 3
    found = played("policy", "backtest", "1.2.0", "--attach", "--key", keys["anna"], "--json")
    assert found.exit_code in (0, 2), found.output
    # It says the same as the version in force, and changes nothing.
    assert lacking(played) == 1
    kept = [
        act["detail"]["kind"] for act in played.json("policy", "history", "1.2.0") if act["what"] == "policy-evidence"
    ]
    assert kept == ["check", "proof", "backtest"]
    assert "is approved" in approve(played, keys, "bert")


def lacking(millwright: Millwright) -> int:
    """How many approvals a version in review takes."""
    versions = millwright.json("policy", "list")["versions"]
    return int(next(version["approvals_needed"] for version in versions if version["version"] == "1.2.0"))


def test_a_number_means_the_version_that_the_installation_stores_though_another_is_shipped_under_it(
    played: Millwright, keys: Keys, draft: Path
) -> None:
    enforced = "autonomy: enforced: an order waits for the planner"
    assert enforced in played("policy", "diff", "1.1.0", "1.2.0").stdout
    played.says("policy", "draft", str(draft), "--reason", "a shorter window", "--key", keys["anna"])
    assert enforced not in played("policy", "diff", "1.1.0", "1.2.0").stdout
