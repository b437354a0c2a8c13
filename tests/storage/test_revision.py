"""Which builds may work on a database: this one's, an older one that a newer schema spares, and no other."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.database import schema
from millwright.storage.database.lineage import head, lineage
from millwright.storage.database.revision import Revision, read_revision

ADDS = """
revision = "later"
down_revision = {head!r}
branch_labels = depends_on = None
expands = {expands}


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
"""


async def test_a_database_of_this_builds_revision_is_worked_on(storage_engine: AsyncEngine) -> None:
    revision = await read_revision(storage_engine)
    assert revision.found == head()
    assert revision.objection() is None


def later_build(folder: Path, url: str, *, expands: bool) -> Config:
    """The migrations of a build that has one more."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parents[3] / "migrations"))
    config.set_main_option("path_separator", "os")
    ours = Path(schema.__file__).parents[3] / "migrations" / "versions"
    config.set_main_option("version_locations", f"{ours}:{folder}")
    config.set_main_option("sqlalchemy.url", url)
    (folder / "later.py").write_text(ADDS.format(head=head(), expands=expands))
    return config


@pytest.mark.parametrize("expands", [True, False])
async def test_this_build_goes_on_under_a_later_one_only_if_that_only_adds(
    storage_engine: AsyncEngine, database_url: str, tmp_path: Path, expands: bool
) -> None:
    command.upgrade(later_build(tmp_path, database_url, expands=expands), "head")
    revision = await read_revision(storage_engine)
    assert revision.found == "later"
    objection = revision.objection()
    assert (objection is None) == expands
    assert expands or "which this build does not know" in str(objection)


async def test_going_back_makes_the_older_build_welcome_again(
    storage_engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    later = later_build(tmp_path, database_url, expands=False)
    command.upgrade(later, "head")
    command.downgrade(later, head())
    assert (await read_revision(storage_engine)).objection() is None


def test_a_database_that_is_behind_is_to_be_upgraded_first() -> None:
    *_, first = lineage()
    assert "run `millwright db upgrade`" in str(Revision(first, first).objection())
    assert "run `millwright db upgrade`" in str(Revision(None, None).objection())


def test_this_build_knows_the_revisions_that_its_migrations_run_through() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parents[3] / "migrations"))
    assert lineage() == tuple(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())
