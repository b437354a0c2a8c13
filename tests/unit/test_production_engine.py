"""The production engine's set-up, as far as it can be looked at without its programs."""

import json
from pathlib import Path

import pytest

from domain.errors import Rejected
from millwright.runtime.embedded import production_engine
from millwright.runtime.embedded.production_engine import ProductionEngine, copy_visibility

MIGRATION = """DO LANGUAGE 'plpgsql' $$
    BEGIN
        IF ( NOT EXISTS (select extname from pg_extension where extname = 'btree_gin') ) THEN
            CREATE EXTENSION btree_gin;
        END IF;
    END
$$;
CREATE INDEX by_status ON executions_visibility (namespace_id, status);
CREATE INDEX by_text_01 ON executions_visibility USING GIN (namespace_id, Text01);
"""


def test_visibility_is_made_without_the_extension_that_the_wheel_does_not_carry(tmp_path: Path) -> None:
    source = tmp_path / "versioned"
    (source / "v1.2").mkdir(parents=True)
    (source / "v1.2" / "advanced_visibility.sql").write_text(MIGRATION)
    (source / "v1.2" / "manifest.json").write_text("{}")
    copy_visibility(source, tmp_path / "visibility")
    copied = (tmp_path / "visibility" / "v1.2" / "advanced_visibility.sql").read_text()
    assert "CREATE EXTENSION" not in copied
    assert "GIN (Text01)" in copied
    assert "(namespace_id, status)" in copied
    assert (tmp_path / "visibility" / "v1.2" / "manifest.json").read_text() == "{}"


def test_altered_tables_of_visibility_are_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "visibility"
    folder.mkdir()
    (folder / "drop.sql").write_text("DROP TABLE executions_visibility;")
    with pytest.raises(Rejected, match=r"visibility was not used: its files are not those of the Temporal server"):
        production_engine.checked_tables(folder)


def test_its_ports_fit_into_the_columns_in_which_it_keeps_them(tmp_path: Path) -> None:
    settings = json.loads(json.dumps(ProductionEngine(tmp_path, 7233).configuration({"host": "/run", "user": "u"})))
    ports = {
        name: (service["rpc"]["grpcPort"], service["rpc"]["membershipPort"])
        for name, service in settings["services"].items()
    }
    assert ports["frontend"][0] == 7233
    assert all(port < 2**15 for pair in ports.values() for port in pair)


def test_without_go_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Rejected, match="MILLWRIGHT_TEMPORAL_ADDRESS"):
        production_engine.find(print)
