"""The head is published where the database cannot reach it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActRejected
from millwright.audit.head import head_text, parse_head, publish_head, read_head
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
