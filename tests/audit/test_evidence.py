"""The evidence pack: whole, checked anywhere, and whatever is altered in it is named."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import merkle_path, merkle_root, sha256
from domain.errors import ActRejected
from millwright.audit.evidence import Packed, write_evidence
from millwright.audit.offline_pack import PACK_BEGINS, PACK_ENDS, hashed_text, pack_findings
from millwright.audit.offline_record import merkle_path_root
from policies.engine.catalogue import Catalogue
from tests.audit.conftest import Hostile, a_record
from tests.support.plant import START

NOW = START + timedelta(days=30)
Pack = dict[str, Any]


async def packed(engine: AsyncEngine, out: Path, ref: str = "1001") -> Packed:
    return await write_evidence(engine, Catalogue(), ref, out, NOW, ZoneInfo("Europe/Berlin"))


def offline(pack: Packed, *arguments: str, file: Path | None = None) -> tuple[int, list[str]]:
    """Runs the verifier that came with it in a Python that sees nothing but its standard library."""
    command = [sys.executable, "-I", "-S", str(pack.verifier), str(file or pack.json_file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("ref", ["1001", "1002", "1.1.0", "1.0.0"])
async def test_a_pack_that_nobody_touched_verifies_offline(read_only: AsyncEngine, tmp_path: Path, ref: str) -> None:
    pack = await packed(read_only, tmp_path, ref)
    for file in (pack.json_file, pack.page):
        code, said = offline(pack, "--head", pack.head, file=file)
        assert (code, said[0].partition(";")[0]) == (0, "verified: everything agrees")


async def test_the_page_carries_the_very_bytes_of_the_json(read_only: AsyncEngine, tmp_path: Path) -> None:
    pack = await packed(read_only, tmp_path / "case.html")
    text, page = pack.json_file.read_text(), pack.page.read_text()
    assert pack.json_file.name == "case.json"
    assert page.partition(PACK_BEGINS)[2].partition(PACK_ENDS)[0] == text
    assert sha256(text.encode()) == pack.sha256
    assert "<" not in text


async def test_the_page_tells_a_planner_and_an_auditor_what_they_ask(read_only: AsyncEngine, tmp_path: Path) -> None:
    page = (await packed(read_only, tmp_path)).page.read_text().partition(PACK_BEGINS)[0]
    for told in (
        "In short",
        "What the rule tested",
        "What would have changed the decision",
        "The work order",
        "The hold",
        "The outcome",
    ):
        assert f">{told}<" in page
    for word in ("approve", "activate", "Grace (grace)", "active", "millwright"):
        assert f'<span class="t">{word}</span>' in page  # no narrow column breaks it
    for told in ("signature ", "public key ", "How to check it", "offline_verify.py"):
        assert told in page
    assert "2015-01-10 07:00:00+01:00 (2015-01-10 06:00:00 UTC): " in page
    assert "http" not in page


async def test_a_version_s_pack_has_its_cases_and_counts_every_verdict(
    recorded: AsyncEngine, hostile: Hostile, tmp_path: Path
) -> None:
    pack = json.loads((await packed(recorded, tmp_path, "1.1.0")).json_file.read_text())
    [[verdicts]] = await hostile.rows(
        "SELECT count(*) FROM verdicts v JOIN policy_versions p ON p.digest = v.version WHERE p.version = '1.1.0'"
    )
    assert sum(version["verdicts"] for version in pack["parts"]["judged"]) == verdicts
    assert len(pack["parts"]["cases"]) == 2
    assert {order["external_id"] for order in (case["order"] for case in pack["parts"]["cases"])} == {"1001", "1002"}


def _first(part: str, name: str, value: object) -> Callable[[Pack], None]:
    def alter(pack: Pack) -> None:
        pack["parts"][part][0][name] = value

    return alter


def _drop(part: str) -> Callable[[Pack], None]:
    def alter(pack: Pack) -> None:
        pack["parts"][part].pop()

    return alter


def _body(part: str, old: str, new: str) -> Callable[[Pack], None]:
    """Alters a hashed text, with its digest, as somebody who knows how it is made."""

    def alter(pack: Pack) -> None:
        row = next(candidate for candidate in pack["parts"][part] if old in candidate["body"])
        row["body"] = row["body"].replace(old, new)
        row["digest"] = sha256(row["body"].encode())

    return alter


def _signature(pack: Pack) -> None:
    policy = next(version for version in pack["parts"]["policies"] if version["version"] == "1.1.0")
    policy["signatures"][0]["person"] = "olaf"


def _order(pack: Pack) -> None:
    pack["parts"]["cases"][0]["order"]["record"]["ref"]["id"] = "6666"


def _placement(name: str, value: object) -> Callable[[Pack], None]:
    def alter(pack: Pack) -> None:
        pack["parts"]["holds"][0]["placements"][0][name] = value

    return alter


def _release(name: str, value: object) -> Callable[[Pack], None]:
    def alter(pack: Pack) -> None:
        pack["parts"]["holds"][0]["release"][name] = value

    return alter


def _values(pack: Pack) -> None:
    policy = pack["parts"]["policies"][0]
    policy["values"] = policy["values"].replace("0", "1", 1)


def _memory(pack: Pack) -> None:
    row = next(verdict for verdict in pack["parts"]["verdicts"] if '"seen":1' in verdict["memory_before"])
    row["memory_before"] = row["memory_before"].replace('"seen":1', '"seen":7')


def _swap(pack: Pack) -> None:
    first, other = pack["parts"]["acts"][:2]
    first["path"], other["path"] = other["path"], first["path"]
    first["leaf"], other["leaf"] = other["leaf"], first["leaf"]
    first["seq"], other["seq"] = other["seq"], first["seq"]


ALTERATIONS: list[tuple[str, Callable[[Pack], None], str]] = [
    ("the text of an act", _body("acts", '"how":"done"', '"how":"cancelled"'), "ledger-proof"),
    ("an act's actor", _first("acts", "actor", "nobody"), "act-columns"),
    ("two acts in each other's place", _swap, "ledger-proof"),
    ("the text of a verdict", _body("verdicts", '"priority":1', '"priority":4'), "ledger-proof"),
    ("a verdict's rung", _first("verdicts", "rung", 0), "verdict-columns"),
    ("a memory", _memory, "verdict-memory"),
    ("an anomaly", _first("events", "anomaly", "{}"), "verdict-event"),
    ("a context", _first("contexts", "body", "{}"), "context"),
    ("a removed context", _drop("contexts"), "verdict-context"),
    ("a ledger row", _first("ledger", "root", "0" * 64), "ledger-hash"),
    ("a removed tail", _drop("ledger"), "head"),
    ("a version's text", _values, "policy-document"),
    ("a signature", _signature, "policy-signature"),
    ("a person's key", _first("people", "public_key", "0" * 64), "person"),
    ("an order", _order, "order"),
    ("a case", _first("cases", "closed_as", "cancelled"), "case"),
    ("a removed case", _drop("cases"), "case"),
    ("a hold", _first("holds", "state", "asked"), "hold"),
    ("how a job was held", _placement("state", "void"), "hold"),
    ("which job was held", _placement("plan", {}), "hold"),
    ("a removed placement", _first("holds", "placements", []), "hold"),
    ("who released a hold", _release("by", "mallory"), "hold"),
    ("what a release means", _release("meaning", None), "hold"),
    ("a removed release", _first("holds", "release", None), "hold"),
    ("a removed claim", _first("holds", "claims", {}), "hold"),
    ("a removed hold", _drop("holds"), "hold"),
    ("what is told of a decision", _first("decisions", "rule", "another"), "decision"),
]


@pytest.mark.parametrize("reseal", [False, True], ids=["as it is", "with every hash made anew"])
@pytest.mark.parametrize(
    ("alter", "kind"), [alteration[1:] for alteration in ALTERATIONS], ids=[alteration[0] for alteration in ALTERATIONS]
)
async def test_whatever_is_altered_is_found_and_named(
    recorded_pack: str, alter: Callable[[Pack], None], kind: str, reseal: bool
) -> None:
    pack: Pack = json.loads(recorded_pack)
    alter(pack)
    if reseal:
        pack = hashed_anew(pack)
    kinds = {finding.kind for finding in pack_findings(pack)}
    assert kind in kinds
    assert ("part" in kinds) is not reseal


def hashed_anew(pack: Pack) -> Pack:
    """The pack with every hash of its own made again, by somebody who cannot rewrite the ledger."""
    anew = {name: value for name, value in pack.items() if name not in ("about", "page")}
    anew["hashes"] = {name: sha256(hashed_text(part).encode()) for name, part in pack["parts"].items()}
    anew["about"] = sha256(hashed_text({name: value for name, value in anew.items() if name != "parts"}).encode())
    return {**anew, "page": pack["page"]}


@pytest.fixture(scope="module")
async def recorded_pack(
    postgres_url: str, recorded_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A pack that is altered in memory only, so one is enough for all who do."""
    async with a_record(postgres_url, recorded_template) as engine:
        yield (await packed(engine, tmp_path_factory.mktemp("pack"))).json_file.read_text()


async def test_a_page_that_shows_something_else_is_found(read_only: AsyncEngine, tmp_path: Path) -> None:
    pack = await packed(read_only, tmp_path)
    pack.page.write_text(pack.page.read_text().replace("grace", "gretel", 1))
    for file in (pack.json_file, pack.page):
        code, lines = offline(pack, file=file)
        assert (code, [line.split(":")[0] for line in lines[:-1]]) == (1, ["page"])


async def test_a_page_with_another_pack_is_found(read_only: AsyncEngine, tmp_path: Path) -> None:
    pack, other = await packed(read_only, tmp_path / "a"), await packed(read_only, tmp_path / "b", "1002")
    pack.page.write_text(other.page.read_text())
    code, lines = offline(pack)
    assert code == 1
    assert any("carries another pack" in line for line in lines)


async def test_a_history_rewritten_shows_against_the_published_head(read_only: AsyncEngine, tmp_path: Path) -> None:
    pack = await packed(read_only, tmp_path)
    seq = pack.head.split(":")[0]
    code, lines = offline(pack, "--head", f"{seq}:{'0' * 64}")
    assert (code, lines[0].split(":")[0]) == (1, "published-head")


async def test_what_is_no_pack_is_told_so(read_only: AsyncEngine, tmp_path: Path) -> None:
    pack = await packed(read_only, tmp_path / "a")
    other = tmp_path / "other.json"
    for text in ("nonsense", "{}", "[]"):
        other.write_text(text)
        assert offline(pack, file=other)[0] == 2


@pytest.mark.parametrize("ref", ["nobody knows this", "tests|watched"])
async def test_what_led_to_no_case_has_no_pack(read_only: AsyncEngine, tmp_path: Path, ref: str) -> None:
    with pytest.raises(ActRejected):
        await packed(read_only, tmp_path, ref)


@given(st.integers(1, 70), st.data())
def test_every_leaf_s_path_leads_to_the_root_and_no_other_leaf_s_does(count: int, data: st.DataObject) -> None:
    leaves = [sha256(str(number).encode()) for number in range(count)]
    index = data.draw(st.integers(0, count - 1))
    path = merkle_path(leaves, index)
    assert merkle_path_root(leaves[index], index, count, path) == merkle_root(leaves)
    assert merkle_path_root(sha256(b"other"), index, count, path) != merkle_root(leaves)


def test_a_path_of_the_wrong_length_is_none() -> None:
    leaves = [sha256(str(number).encode()) for number in range(4)]
    with pytest.raises(ValueError, match="too long"):
        merkle_path_root(leaves[0], 0, 2, merkle_path(leaves, 0))
    with pytest.raises(ValueError, match="leaf 4"):
        merkle_path_root(leaves[0], 4, 4, [])
