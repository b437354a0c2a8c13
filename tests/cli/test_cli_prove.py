"""`policy prove`, `policy try` and `policy diff` as an engineer meets them; no installation is needed."""

from pathlib import Path

import orjson
import pytest

from policies.engine.catalogue import PUBLISHED
from tests.cli.conftest import Millwright

PUBLISHED_TEXT = (PUBLISHED / "rotating-equipment" / "1.1.0.yaml").read_text(encoding="utf-8")
NEWEST = PUBLISHED_TEXT.partition("\nproperties:")[0] + "\ncases:" + PUBLISHED_TEXT.partition("\ncases:")[2]
TRUE = """
  - id: bad-quality
    says: Bad quality never makes a work order.
    never: { when: "anomaly.quality == 'bad'", rung_at_least: draft }
"""
FALSE = """
  - id: three-codes
    says: Three codes never make a work order.
    never: { when: "memory.codes >= 3", rung_at_least: work_order }
"""


def drafted(folder: Path, properties: str, *pairs: tuple[str, str]) -> str:
    """A draft of the newest version with properties of its own, and some words changed."""
    text = NEWEST
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    head, cases, tail = text.partition("\ncases:")
    path = folder / "draft.yaml"
    path.write_text(f"{head}\nproperties:{properties or ' []'}\n{cases}{tail}", encoding="utf-8")
    return str(path)


def test_what_is_proved_is_said_and_exits_0(nowhere: Millwright, tmp_path: Path) -> None:
    said = nowhere.says("policy", "prove", drafted(tmp_path, TRUE))
    assert "proved   bad-quality: Bad quality never makes a work order." in said
    assert "1 of 1 properties of rotating-equipment 1.1.0 are proved." in said


def test_what_is_refuted_exits_1_with_a_witness_that_try_shows_happening(nowhere: Millwright, tmp_path: Path) -> None:
    draft = drafted(tmp_path, TRUE + FALSE)
    found = nowhere("policy", "prove", draft, "--json")
    assert found.exit_code == 1
    good, bad = orjson.loads(found.stdout)
    assert (good["property"], good["result"], good["witness"]) == ("bad-quality", "proved", None)
    assert (bad["property"], bad["result"]) == ("three-codes", "refuted")
    witness = tmp_path / "witness.json"
    witness.write_bytes(orjson.dumps(bad["witness"]))
    (tried,) = nowhere.json("policy", "try", str(witness), "--policy", draft)
    assert tried["explanation"]["verdict"]["rung"] >= 4
    assert int(tried["explanation"]["values"]["memory.codes"]) >= 3
    assert tried["rungs"][-1] in ("work_order", "work_order_and_hold")
    shown = nowhere.says("policy", "try", str(witness), "--policy", draft)
    assert "It would " in shown
    assert "Rules before it" in shown


def test_a_version_that_promises_nothing_has_proved_nothing(nowhere: Millwright, tmp_path: Path) -> None:
    found = nowhere("policy", "prove", drafted(tmp_path, ""))
    assert found.exit_code == 2
    assert "has no properties" in found.stdout


def test_what_cannot_be_translated_exits_2_and_is_named(nowhere: Millwright, tmp_path: Path) -> None:
    draft = drafted(tmp_path, TRUE, ("when: anomaly.kind == 'manual'", "when: double(anomaly.code) > 1.0"))
    found = nowhere("policy", "prove", draft)
    assert found.exit_code == 2
    assert "`double(anomaly.code)` cannot be translated" in found.stdout


def test_a_version_that_is_not_there_is_one_sentence(nowhere: Millwright) -> None:
    assert nowhere.refuses("policy", "prove", "9.9.9").startswith("version: there is no version 9.9.9 (there are ")
    assert "cannot be read" in nowhere.refuses("policy", "diff", "1.1.0", "nowhere.yaml")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"context": {}}', '{"events": []}'])
def test_what_holds_no_situation_is_one_sentence(nowhere: Millwright, tmp_path: Path, text: str) -> None:
    path = tmp_path / "situation.json"
    path.write_text(text)
    assert "holds no situation" in nowhere.refuses("policy", "try", str(path))


def test_a_version_is_like_itself_and_exits_0(nowhere: Millwright) -> None:
    assert "it is proved that both decide every situation alike" in nowhere.says("policy", "diff", "1.1.0", "1.1.0")


def test_a_version_that_releases_without_a_person_is_not_like_one_that_does_not(
    nowhere: Millwright, tmp_path: Path
) -> None:
    draft = drafted(tmp_path, TRUE, ("\ncases:", "\nholds: { release_unattended: [machine-007] }\ncases:"))
    found = nowhere("policy", "diff", "1.1.0", draft)
    assert found.exit_code == 1
    assert "unattended release: machine-007 is added: its hold is released without a person" in found.stdout
    assert "or which holds are released without a person is otherwise" in found.stdout


def test_a_difference_exits_1_with_its_changes_and_effects(nowhere: Millwright, tmp_path: Path) -> None:
    changed = ("anomaly.confidence >= 0.9", "anomaly.confidence >= 0.7")
    draft = drafted(tmp_path, TRUE, changed)
    found = nowhere("policy", "diff", "1.1.0", draft)
    assert found.exit_code == 1
    assert (
        "rule critical-certain (criticality A): the detector's confidence: at least 0.9 → at least 0.7" in found.stdout
    )
    assert "It is proved that nothing else is decided differently." in found.stdout
    listed = orjson.loads(nowhere("policy", "diff", "1.1.0", draft, "--json").stdout)
    (effect,) = listed["effects"]
    assert (effect["before"], effect["after"], listed["alike"]) == ("watch", "work_order_and_hold", False)
    witness = tmp_path / "witness.json"
    witness.write_bytes(orjson.dumps(effect["witness"]))
    rungs = [nowhere.json("policy", "try", str(witness), "--policy", name)[0]["rungs"][-1] for name in ("1.1.0", draft)]
    assert rungs == ["watch", "work_order_and_hold"]
