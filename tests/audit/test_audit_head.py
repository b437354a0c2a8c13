"""The head is published where the database cannot reach it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActRejected
from millwright.audit.head import HistoryRewritten, head_text, parse_head, publish_head, read_head, rewritten
from millwright.audit.offline_record import read_head as read_offline_head
from millwright.audit.offline_verify import main
from millwright.audit.verifying import verify
from millwright.runtime.embedded.marking import HEAD_LOG

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


async def test_a_published_head_is_the_one_that_the_audit_finds(recorded: AsyncEngine, tmp_path: Path) -> None:
    head = await publish_head(recorded, tmp_path / "home", NOW)
    report = await verify(recorded, head=head_text(head))
    assert report.verified
    assert report.head == head_text(head)
    assert (tmp_path / "home" / HEAD_LOG).read_text() == f"2026-01-31T12:00:00.000000Z {head_text(head)}\n"


async def test_a_head_that_has_not_moved_is_published_once(recorded: AsyncEngine, tmp_path: Path) -> None:
    for _ in range(2):
        head = await publish_head(recorded, tmp_path, NOW)
    assert (tmp_path / HEAD_LOG).read_text().count("\n") == 1
    assert read_head(tmp_path) == ("2026-01-31T12:00:00.000000Z", head)


def test_before_the_first_there_is_no_published_head(tmp_path: Path) -> None:
    assert read_head(tmp_path) is None


async def test_after_a_line_that_was_cut_off_the_head_is_published_on_a_line_of_its_own(
    recorded: AsyncEngine, tmp_path: Path
) -> None:
    (tmp_path / HEAD_LOG).write_text("2026-01-30T12:00:00.000000Z 7:00ab")
    head = await publish_head(recorded, tmp_path, NOW)
    lines = (tmp_path / HEAD_LOG).read_text().splitlines()
    assert lines == ["2026-01-30T12:00:00.000000Z 7:00ab", f"2026-01-31T12:00:00.000000Z {head_text(head)}"]
    assert read_head(tmp_path) == ("2026-01-31T12:00:00.000000Z", head)


def test_the_last_of_many_published_heads_is_read(tmp_path: Path) -> None:
    lines = [f"2026-01-31T12:00:00.000000Z {number}:{'a' * 64}\n" for number in range(500)]
    (tmp_path / HEAD_LOG).write_text("".join(lines))
    assert read_head(tmp_path) == ("2026-01-31T12:00:00.000000Z", (499, "a" * 64))


@pytest.mark.parametrize("text", ["", "7", "7:", "x:" + "0" * 64, "7:" + "g" * 64, "7:" + "0" * 63])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ActRejected, match="SEQ:HASH"):
        parse_head(text)


@pytest.mark.parametrize("text", ["01:" + "f" * 64, "\u0661:" + "f" * 64, "+1:" + "f" * 64, "1:" + "F" * 64])
def test_another_spelling_of_a_head_is_refused_and_not_compared_with_nothing(text: str, tmp_path: Path) -> None:
    with pytest.raises(ActRejected, match="SEQ:HASH"):
        parse_head(text)
    with pytest.raises(ValueError, match="SEQ:HASH"):
        read_offline_head(text)
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--head", text])


def test_a_head_before_the_first_row_is_no_head_of_an_export() -> None:
    with pytest.raises(ValueError, match="SEQ:HASH"):
        read_offline_head("0:" + "f" * 64)


async def test_a_wrong_head_before_the_first_row_is_named(recorded: AsyncEngine) -> None:
    found = (await verify(recorded, head="0:" + "f" * 64)).findings
    assert [each.kind for each in found] == ["published-head"]


@pytest.mark.parametrize("row", ["7:" + "f" * 64, "999999:" + "f" * 64])
async def test_after_history_was_rewritten_no_head_is_published_and_the_audit_names_it(
    recorded: AsyncEngine, tmp_path: Path, row: str
) -> None:
    line = f"2026-01-30T12:00:00.000000Z {row}\n"
    (tmp_path / HEAD_LOG).write_text(line)
    with pytest.raises(HistoryRewritten, match="rewritten"):
        await publish_head(recorded, tmp_path, NOW)
    assert (tmp_path / HEAD_LOG).read_text() == line
    assert "rewritten" in (await rewritten(recorded, tmp_path) or "")
    kept = read_head(tmp_path)
    assert kept is not None
    assert "published-head" in {each.kind for each in (await verify(recorded, head=head_text(kept.head))).findings}


async def test_while_the_published_head_stands_nothing_is_wrong(recorded: AsyncEngine, tmp_path: Path) -> None:
    await publish_head(recorded, tmp_path, NOW)
    assert await rewritten(recorded, tmp_path) is None
