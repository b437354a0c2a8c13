"""A program of the engine is run only if it is the one whose checksum the repository has; Go is a fake here."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import Rejected
from millwright.runtime.embedded import go_programs, production_engine, temporal_server
from millwright.runtime.embedded.go_programs import GoModule, GoProgram

SOURCE = "package main\n"
MODULE = GoModule("example.org/engine", "1.2.3", "h1:/A4j75onke7oekXPsgKU+yY1ZhkHqjzlhwA6/jVUDVY=")
BUILT = "the program\n"
DIGEST = hashlib.sha256(BUILT.encode()).hexdigest()
PROGRAM = GoProgram("engine", MODULE, "cmd/engine", "a minute", {go_programs.this_platform(): DIGEST})
ELSEWHERE = GoProgram("engine", MODULE, "cmd/engine", "a minute", {"plan9-mips": DIGEST})
# It answers as `go mod download -json` and `go build -C folder -trimpath -buildvcs=false -ldflags=… -o file` do.
GO = """#!/bin/sh
echo "$1 $GOTOOLCHAIN $GOFLAGS $CGO_ENABLED $GONOSUMDB" >> {calls}
case "$1" in
  mod) printf '%s' '{answer}' ;;
  build) printf '{built}' > "$8" ;;
esac
"""

Install = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    folder = go_programs.cache_directory(MODULE)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Puts a Go on the PATH that downloads a module with this source, and builds a program with this text."""

    def put(source: str, built: str) -> None:
        (tmp_path / "bin").mkdir()
        folder = tmp_path / "source"
        folder.mkdir()
        (folder / "main.go").write_text(source)
        answer = json.dumps({"Dir": str(folder), "Sum": MODULE.checksum})
        text = GO.format(calls=tmp_path / "calls", answer=answer, built=built.replace("\n", "\\n"))
        (tmp_path / "bin" / "go").write_text(text)
        (tmp_path / "bin" / "go").chmod(0o755)

    return put


def test_a_program_of_the_cache_is_taken_if_it_has_its_checksum(cache: Path) -> None:
    (cache / "engine").write_text(BUILT)
    assert go_programs.find(PROGRAM, print) == cache / "engine"


def test_an_altered_program_is_not_run_and_stays_for_whoever_looks_into_it(cache: Path) -> None:
    (cache / "engine").write_text(BUILT + "and one byte more")
    with pytest.raises(
        Rejected, match=rf"engine was not run: its SHA-256 is \w+, and that of engine 1.2.3 is {DIGEST}"
    ):
        go_programs.find(PROGRAM, print)
    assert (cache / "engine").exists()


def test_a_missing_program_is_built_by_the_pinned_go_without_its_own_additions(
    cache: Path, tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GONOSUMDB", "their.own")
    install(SOURCE, BUILT)
    said: list[str] = []
    assert go_programs.find(PROGRAM, said.append).read_text() == BUILT
    assert said == ["Building engine of example.org/engine 1.2.3 with Go: a minute, once."]
    fixed = f"{go_programs.TOOLCHAIN} -mod=readonly 0 their.own"
    assert (tmp_path / "calls").read_text().splitlines() == [f"mod {fixed}", f"build {fixed}"]
    assert [path.name for path in cache.iterdir()] == ["engine"]


def test_source_with_another_sum_is_not_built_whatever_go_says(cache: Path, tmp_path: Path, install: Install) -> None:
    install(SOURCE + "and one line more\n", BUILT)
    with pytest.raises(Rejected, match=r"nothing was built: .* has the sum h1:.*, and that of its release is h1:"):
        go_programs.find(PROGRAM, print)
    assert "build" not in (tmp_path / "calls").read_text()
    assert list(cache.iterdir()) == []


def test_a_build_with_another_checksum_is_not_kept(cache: Path, install: Install) -> None:
    install(SOURCE, "another program\n")
    with pytest.raises(Rejected, match="engine was built and not kept: its SHA-256 is"):
        go_programs.find(PROGRAM, print)
    assert list(cache.iterdir()) == []


def test_a_program_on_the_path_is_never_taken(tmp_path: Path, install: Install) -> None:
    install(SOURCE, BUILT)
    (tmp_path / "bin" / "engine").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "engine").chmod(0o755)
    assert go_programs.find(PROGRAM, print).read_text() == BUILT


def test_on_a_platform_without_a_checksum_all_source_is_checked_and_that_of_the_program_is_recorded(
    cache: Path, tmp_path: Path, install: Install
) -> None:
    install(SOURCE, BUILT)
    assert go_programs.find(ELSEWHERE, print).read_text() == BUILT
    assert (cache / "engine.sha256").read_text() == f"{DIGEST}\n"
    calls = [line.split()[0] for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls == ["mod", "mod", "build"]
    (tmp_path / "bin" / "go").unlink()
    assert go_programs.find(ELSEWHERE, print) == cache / "engine"


def test_on_a_platform_without_a_checksum_a_program_that_was_altered_after_its_build_is_not_run(
    cache: Path, install: Install
) -> None:
    install(SOURCE, BUILT)
    go_programs.find(ELSEWHERE, print).write_text("another program\n")
    with pytest.raises(
        Rejected, match=rf"engine was not run: its SHA-256 is \w+, and that of engine 1.2.3 is {DIGEST}"
    ):
        go_programs.find(ELSEWHERE, print)


def test_on_a_platform_without_a_checksum_a_program_without_a_record_is_not_run(cache: Path) -> None:
    (cache / "engine").write_text(BUILT)
    with pytest.raises(Rejected, match=r"engine was not run: no SHA-256 was recorded .* \(delete it"):
        go_programs.find(ELSEWHERE, print)


def test_a_record_beside_a_program_does_not_replace_the_checksum_of_the_repository(cache: Path) -> None:
    (cache / "engine").write_text("another program\n")
    (cache / "engine.sha256").write_text(hashlib.sha256(b"another program\n").hexdigest())
    with pytest.raises(Rejected, match="engine was not run"):
        go_programs.find(PROGRAM, print)


def test_a_folder_has_another_sum_when_a_file_is_changed_renamed_or_added(tmp_path: Path) -> None:
    def total(**files: str) -> str:
        folder = tmp_path / hashlib.sha256(repr(files).encode()).hexdigest()
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        return go_programs.folder_sum(folder)

    changed = [total(a="2", b="2"), total(c="1", b="2"), total(a="1", b="2", c="")]
    assert total(a="1", b="2") not in changed


@pytest.mark.parametrize(
    "program",
    [temporal_server.PROGRAM, production_engine.SERVER, production_engine.SCHEMA_TOOL],
    ids=lambda program: program.name,
)
def test_every_program_is_pinned_by_the_sum_of_its_source_and_by_its_own(program: GoProgram) -> None:
    assert program.module.checksum.startswith("h1:")
    assert len(program.module.checksum) == len("h1:") + 44
    assert "linux-amd64" in program.digests
    assert {len(digest) for digest in program.digests.values()} == {64}
