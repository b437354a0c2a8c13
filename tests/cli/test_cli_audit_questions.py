"""The auditor's questions on the command line."""

import csv
from pathlib import Path

from tests.cli.conftest import Millwright


def test_an_answer_is_a_sentence_a_table_and_its_proof(played: Millwright) -> None:
    said = played.says("audit", "ask", "signed", "1.1.0")
    assert "rotating-equipment 1.1.0 was written by" in said
    assert "ledger rows prove it; the head is " in said


def test_all_rows_go_to_a_file(played: Millwright, tmp_path: Path) -> None:
    file = tmp_path / "affected.csv"
    assert str(file) in played.says("audit", "ask", "affected", "1.1.0", "--csv", str(file))
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["kind"] for row in rows} >= {"event", "case"}
    assert len(rows) == len(played.json("audit", "ask", "affected", "1.1.0")["rows"])


def test_a_question_that_takes_no_such_term_says_so(played: Millwright) -> None:
    assert played.refuses("audit", "ask", "duties", "--line", "LINE-1").startswith("line: the question duties takes")


def test_verify_says_whose_verdicts_came_out_the_same(played: Millwright) -> None:
    assert "verdicts made by" in played.says("audit", "verify")


def test_the_evidence_of_a_case_is_written_with_how_to_check_it(played: Millwright, tmp_path: Path) -> None:
    (case,) = played.json("case", "list")
    said = played.says("audit", "evidence", case["id"], "--out", str(tmp_path))
    assert f"python {tmp_path / 'offline_verify.py'} {tmp_path / ('evidence-' + case['id'] + '.json')} --head " in said
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".html", ".json", ".py"]
    assert played.refuses("audit", "evidence", "nothing known").startswith("ref: nothing is known by")
