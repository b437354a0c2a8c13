"""Published versions never change, and nothing is published without cases that cover it."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.anomaly import Anomaly, AnomalyKind
from domain.assets import Criticality
from domain.errors import PolicyRejected
from domain.ports import Judge
from domain.pricing import TimedFault
from domain.verdict import Context, Memory, Urgency
from policies.checks.check import check
from policies.checks.policy_tests import run_cases
from policies.engine.catalogue import DIGESTS, PUBLISHED, Catalogue

POLICY = "rotating-equipment"
VERSIONS = sorted(path for path in PUBLISHED.glob("*/*.yaml") if not path.stem.endswith("-cases"))
TEXT = (PUBLISHED / POLICY / "1.1.0.yaml").read_text(encoding="utf-8")
CASES = (PUBLISHED / POLICY / "1.1.0-cases.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PUBLISHED, tmp_path / "published"))


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_every_published_version_passes_its_own_gate(path: Path) -> None:
    report = check(path)

    assert report.problems == ()
    assert report.cases is not None
    assert [result.problem for result in report.cases.results if not result.passed] == []
    assert (report.cases.uncovered_rules, report.cases.uncovered_timing) == ((), ())
    assert report.publishable


def test_the_published_folder_loads_every_version_under_its_digest() -> None:
    catalogue = Catalogue.published()

    assert len(catalogue.versions) == len(VERSIONS)
    assert all(catalogue.version(each.digest) is each for each in catalogue.versions)


def test_an_edited_published_version_refuses_to_load(folder: Path) -> None:
    edited = folder / POLICY / "1.1.0.yaml"
    edited.write_text(TEXT.replace("memory.codes >= 1", "memory.codes >= 0", 1), encoding="utf-8")

    with pytest.raises(PolicyRejected) as refused:
        Catalogue.published(folder)

    published = Catalogue.published().find(POLICY, "1.1.0").digest
    assert f"{POLICY}/1.1.0.yaml:1:1" in str(refused.value)
    assert f"expected digest {published}, found " in str(refused.value)
    assert "new version" in str(refused.value)


def test_a_changed_remark_is_no_change(folder: Path) -> None:
    (folder / POLICY / "1.1.0.yaml").write_text(f"# a remark\n{TEXT}", encoding="utf-8")

    assert len(Catalogue.published(folder).versions) == len(VERSIONS)


def test_an_unlisted_a_missing_and_a_renamed_version_are_refused(folder: Path) -> None:
    listed = (folder / DIGESTS).read_text(encoding="utf-8")
    digest = Catalogue.published().find(POLICY, "1.1.0").digest

    (folder / POLICY / "2.0.0.yaml").write_text(TEXT, encoding="utf-8")
    with pytest.raises(PolicyRejected, match=r"2\.0\.0\.yaml.*not listed as published"):
        Catalogue.published(folder)

    (folder / DIGESTS).write_text(f'{listed}"2.0.0" = "{digest}"\n', encoding="utf-8")
    with pytest.raises(PolicyRejected, match=r"2\.0\.0\.yaml.*calls itself rotating-equipment 1\.1\.0"):
        Catalogue.published(folder)

    (folder / POLICY / "2.0.0.yaml").unlink()
    with pytest.raises(PolicyRejected, match=r"2\.0\.0\.yaml.*is missing"):
        Catalogue.published(folder)


@pytest.mark.parametrize("text", [None, "[broken"])
def test_a_folder_without_readable_digests_loads_nothing(folder: Path, text: str | None) -> None:
    (folder / DIGESTS).unlink()
    if text is not None:
        (folder / DIGESTS).write_text(text, encoding="utf-8")

    with pytest.raises(PolicyRejected, match=r"digests\.toml.*cannot be read"):
        Catalogue.published(folder)


def test_a_text_from_storage_loads_by_its_digest_and_compiles_once() -> None:
    digest = Catalogue.published().find(POLICY, "1.1.0").digest
    catalogue = Catalogue()

    first = catalogue.load(TEXT, digest, file="stored")

    assert catalogue.load(TEXT, digest, file="stored") is first
    assert catalogue.load(TEXT, file="draft") is first
    with pytest.raises(PolicyRejected, match="was altered"):
        catalogue.load(TEXT.replace("PT6H", "PT7H"), digest, file="stored")


def test_a_version_that_was_not_loaded_is_refused_by_name_and_by_digest() -> None:
    with pytest.raises(PolicyRejected, match="no policy version with digest 00"):
        Catalogue().version("00")
    known = r"there are rotating-equipment 1\.0\.0, rotating-equipment 1\.1\.0, rotating-equipment 1\.2\.0"
    with pytest.raises(PolicyRejected, match=known):
        Catalogue.published().find(POLICY, "9.9.9")


def test_the_catalogue_is_the_judge_that_others_know() -> None:
    catalogue = Catalogue.published()
    port: Judge = catalogue
    digest = catalogue.find(POLICY, "1.0.0").digest
    now = datetime(2026, 1, 10, tzinfo=UTC)
    about = Context(asset="a", asset_class="pump", criticality=Criticality.A, machine="m", line="l", codes=1)
    shift = Anomaly(kind=AnomalyKind.DEVIATION, asset="a", failure_mode="VIB", at=now, detector="d", score=9.0)

    verdict, memory = port.judge(digest, Memory(), shift, about)

    assert verdict.digest == digest
    assert memory.ordered_at == now
    assert port.explain(digest, Memory(), shift, about).verdict == verdict
    assert port.urgency(digest, verdict, TimedFault.of(shift), about, None, now).urgency is Urgency.NOW


def test_a_case_that_fails_and_a_rule_without_a_case_stand_against_publication() -> None:
    policy = Catalogue.published().find(POLICY, "1.1.0")
    wrong = CASES.replace("rule: code-during-shift, rung: watch", "rule: code-during-shift, rung: inspect", 1)

    report = run_cases(policy, wrong, "cases.yaml")

    failed = [result for result in report.results if not result.passed]
    assert [result.problem for result in failed] == [
        "expected code-during-shift inspect S3, got code-during-shift watch S3"
    ]
    assert report.uncovered_rules == ("code-during-shift",)
    assert not report.publishable


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("kind: manual", "kind: manuel", "cases.3.sequence.0.kind: cannot be 'manuel'"),
        ("at: -PT1H", "at: yesterday", "cases.0.sequence.0.at: 'yesterday' is no duration"),
        ("rung: ignore", "rung: none", "cases.0.expect.rung: 'none' is no rung"),
        ("class: transformer", "klass: transformer", "cases.0.asset"),
        ("score: 9.0", "score: -9.0", "cases.0.sequence.1.score: should be greater than or equal to 0"),
    ],
)
def test_a_broken_cases_file_is_refused_at_its_place(folder: Path, old: str, new: str, complaint: str) -> None:
    (folder / POLICY / "1.1.0-cases.yaml").write_text(CASES.replace(old, new, 1), encoding="utf-8")

    report = check(folder / POLICY / "1.1.0.yaml")

    assert complaint in str(report.problems[0])
    assert "1.1.0-cases.yaml:" in str(report.problems[0])
    assert (report.cases, report.publishable) == (None, False)


def test_a_draft_that_does_not_compile_is_reported_with_all_its_problems(folder: Path) -> None:
    draft = folder / POLICY / "1.1.0.yaml"
    draft.write_text(TEXT.replace("PT6H", "6h").replace("version: 1.1.0", "version: next"), encoding="utf-8")

    report = check(draft)

    assert [problem.field for problem in report.problems] == ["version", "memory.lateness"]
    assert (report.policy, report.publishable) == (None, False)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_a_problem_and_no_crash(tmp_path: Path, content: bytes | None) -> None:
    draft = tmp_path / "draft.yaml"
    if content is not None:
        draft.write_bytes(content)

    (problem,) = check(draft).problems

    assert "cannot be read" in problem.problem
