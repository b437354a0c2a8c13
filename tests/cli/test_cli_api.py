"""Commands that act go through the API, in the name of whom the API knows, and open no database."""

import contextlib
import gzip
import itertools
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from typer.core import TyperGroup

from millwright.cli import app
from millwright.runtime.embedded.occupancy import ADDRESS_FILE, LOCAL_HEADER_FILE
from tests.cli.conftest import Millwright
from tests.support.cli_commands import ACTS, CONNECTOR, DATABASE, PEOPLE, PROCESSES, READS
from tests.support.people import join
from tests.support.plant import PUMP

KEY = "secret-key-of-emil"
SHELVE = ("shelve", PUMP, "--for", "PT1H", "--reason", "noise")
VALUES = {
    "length": "PT1H",
    "found": "confirmed",
    "action": "order",
    "asset": "machine-001",
    "system": "cmms",
    "changes": "priority=3",
}
FILES = {"file": "plan.csv", "directory": "."}
OTHER_FILES = {"policy draft": "1.1.0.yaml", "assets import-crosswalk": "names.csv"}
NUMBERS = {"number": "1", "event": "1"}
STATEMENTS = {
    "hold release": ("--ready-to-run",),
    "hold again": ("--did-not-help",),
    "hold prove": ("--may-be-stopped",),
    "hold looked": ("--stands-still",),
    "hold let-run": ("--ready-to-run",),
}
"""What a person states, without which an act does nothing."""
ONLY_HERE = {"begins": "2026-01-01T00:00:00Z", "ends": "2026-01-02T00:00:00Z", "approve": None, "ready_to_run": None}


def commands() -> dict[str, Any]:
    """Every command by its words."""

    def within(group: TyperGroup, words: str) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if isinstance(command, TyperGroup):
                yield from within(command, f"{words}{name} ")
            else:
                yield f"{words}{name}", command

    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return dict(within(root, ""))


COMMANDS = commands()


def test_every_command_is_an_act_or_reads_or_works_on_the_database_or_is_a_process() -> None:
    kinds = (ACTS, READS, DATABASE, PEOPLE, PROCESSES, CONNECTOR)
    assert set(COMMANDS) == frozenset[str]().union(*kinds)
    assert [first & second for first, second in itertools.combinations(kinds, 2)] == [frozenset()] * 15


@pytest.mark.parametrize("words", sorted(DATABASE))
def test_a_command_that_works_on_the_database_says_so(words: str) -> None:
    assert "works directly on the database" in " ".join((COMMANDS[words].help or "").lower().split())


def arguments_of(words: str, folder: Path) -> list[str]:
    """A command line of a command with all that it requires."""
    given = words.split()
    for parameter in COMMANDS[words].params:
        if not parameter.required:
            continue
        name = parameter.name
        values = {**VALUES, **NUMBERS, **ONLY_HERE, **{field: str(folder / file) for field, file in FILES.items()}}
        value = values.get(name, "x")
        option = [] if parameter.param_type_name == "argument" else [parameter.opts[0]]
        given += option if value is None else [*option, value]
    return [*given, *STATEMENTS.get(words, ())]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files that acts read."""
    shipped = Path(__file__).parents[2] / "policies" / "published" / "rotating-equipment"
    folder = tmp_path / "files"
    folder.mkdir()
    table = "id,asset,from,until,reason\nS1,LINE-1,2035-01-11T00:00:00Z,2035-01-11T08:00:00Z,Sunday\n"
    (folder / "plan.csv").write_text(table)
    (folder / "names.csv").write_text("asset,system,external_id\nmachine-001,cmms,M-1\n")
    (folder / "1.1.0.yaml").write_text((shipped / "1.1.0.yaml").read_text())
    (folder / "1.1.0-cases.yaml").write_text((shipped / "1.1.0-cases.yaml").read_text())
    return folder


@pytest.fixture
def unserved(played: Millwright) -> Millwright:
    """An installation whose database can be reached, and whose API does not run."""
    return Millwright(played.home)


def ledger(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        (count,) = connection.execute("SELECT count(*) FROM ledger").fetchone() or (0,)
    return int(count)


@pytest.mark.parametrize("words", sorted(ACTS | PEOPLE))
def test_an_act_without_an_api_is_refused_although_the_database_is_there(
    words: str, unserved: Millwright, database_url: str, files: Path
) -> None:
    before = ledger(database_url)
    file = OTHER_FILES.get(words, "plan.csv")
    arguments = [argument.replace("plan.csv", file) for argument in arguments_of(words, files)]
    refused = unserved.refuses(*arguments)
    assert refused.startswith("api: no API is known in ")
    assert "start it with `millwright api`, or everything with `millwright up`" in refused
    assert ledger(database_url) == before


def test_an_api_that_has_ended_is_named_with_how_to_start_it(played: Millwright, database_url: str) -> None:
    played.says(*SHELVE)
    played.restart_api()
    before = ledger(database_url)
    stopped = Millwright(played.home)
    refused = stopped.refuses(*SHELVE, "--key", KEY)
    assert "the API does not answer at http://127.0.0.1:" in refused
    assert "Connection refused), so nothing was done; start it with `millwright api`" in refused
    assert KEY not in refused
    assert ledger(database_url) == before


def test_nobody_acts_without_an_api_key_and_without_local_mode(played: Millwright, database_url: str) -> None:
    assert played.api is not None
    played.api.start(local_mode=False)
    before = ledger(database_url)
    refused = played.refuses(*SHELVE)
    assert refused == (
        "key: no API key is given, and the API is not in local mode (give your API key: --key or MILLWRIGHT_API_KEY)"
    )
    assert ledger(database_url) == before


def test_a_person_without_the_role_is_refused_with_the_sentence_of_the_api(
    played: Millwright, database_url: str
) -> None:
    key = join(played.home, "rita", "reader")
    before = ledger(database_url)
    refused = played.refuses("assets", "retire", "machine-001", "--reason", "scrapped", "--key", key)
    assert refused == "key: rita may not do this; it needs the role operator"
    assert ledger(database_url) == before


def test_the_name_in_the_record_is_that_of_the_person_whose_key_was_sent(played: Millwright, database_url: str) -> None:
    key = join(played.home, "olga", "operator")
    played.says("assets", "map", "machine-001", "cmms", "M-1", "--key", key)
    with psycopg.connect(database_url) as connection:
        named = connection.execute("SELECT actor FROM acts WHERE kind = 'alias-mapped'").fetchall()
    assert named == [("olga",)]


class Hostile:
    """A server that is not ours; it keeps the headers of what it was asked."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, {"Content-Type": "application/json"}, b"{}"
        self.heard: list[dict[str, str]] = []
        hostile = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hostile.heard.append(dict(self.headers))
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(hostile.status)
                for name, value in hostile.headers.items():
                    self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(hostile.body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def end(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.end()


@pytest.fixture
def other() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.end()


def test_escape_codes_of_an_answer_are_shown_and_not_obeyed(nowhere: Millwright, hostile: Hostile) -> None:
    hostile.status = 409
    detail = "gone\x1b[2J\x1b]0;owned\x07\n\u202eno\x9b31m"
    hostile.body = json.dumps({"detail": detail, "fix": "\x1b[1mrun it", "field": "a\x00b"}).encode()
    refused = nowhere.refuses("--api", hostile.url, *SHELVE, "--key", KEY)
    assert refused == (r"a\u0000b: gone\u001b[2J\u001b]0;owned\u0007 \u202eno\u009b31m (\u001b[1mrun it)")
    hostile.status = 200
    hostile.body = json.dumps({"stop": 1, "machines": 0}).encode()
    nowhere.says("--api", hostile.url, "policy", "stop", "order", "--reason", "x", "--key", KEY)
    hostile.body = json.dumps({"by": "\x1b[31mroot\r"}).encode()
    said = nowhere.says("--api", hostile.url, "case", "decide", "MW1", "--approve", "--reason", "x", "--key", KEY)
    assert said == "\\u001b[31mroot\\u000d approved MW1.\n"


def test_an_answer_without_end_is_read_only_up_to_a_bound(nowhere: Millwright, hostile: Hostile) -> None:
    hostile.body = b" " * (10 << 20)
    refused = nowhere.refuses("--api", hostile.url, *SHELVE, "--key", KEY)
    assert "its answer is larger than 4194304 bytes and was not read" in refused


def test_a_packed_answer_is_not_unpacked(nowhere: Millwright, hostile: Hostile) -> None:
    hostile.headers["Content-Encoding"] = "gzip"
    hostile.body = gzip.compress(b" " * (50 << 20))
    assert len(hostile.body) < 100_000
    refused = nowhere.refuses("--api", hostile.url, *SHELVE, "--key", KEY)
    assert "its answer cannot be read" in refused
    assert hostile.heard[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"[" * 100_000, b'{"by": 1}', b"\xff\xfe", b"null"])
@pytest.mark.parametrize("status", [200, 400, 401, 404, 409, 418, 500, 503])
def test_an_answer_that_is_not_ours_is_one_sentence(
    nowhere: Millwright, hostile: Hostile, status: int, body: bytes
) -> None:
    hostile.status, hostile.body = status, body
    refused = nowhere.refuses("--api", hostile.url, "case", "decide", "MW1", "--approve", "--reason", "x", "--key", KEY)
    assert refused.startswith("api POST /cases/MW1/decision: ")
    assert KEY not in refused


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed_and_it_never_sees_the_key(
    nowhere: Millwright, hostile: Hostile, other: Hostile, status: int
) -> None:
    hostile.status, hostile.headers = status, {"Location": other.url.replace("127.0.0.1", "localhost") + "/"}
    refused = nowhere.refuses("--api", hostile.url, *SHELVE, "--key", KEY)
    assert f"answers with a redirect ({status}), which is not followed" in refused
    assert other.heard == []
    assert KEY not in refused


def test_the_token_of_local_mode_is_sent_to_the_api_of_its_home_only(played: Millwright, hostile: Hostile) -> None:
    played.says(*SHELVE)
    assert (played.home / LOCAL_HEADER_FILE).exists()
    refused = played.refuses("--api", hostile.url, *SHELVE)
    assert refused == "key: no API key is given (give your API key: --key or MILLWRIGHT_API_KEY)"
    assert hostile.heard == []


def test_an_address_in_the_home_that_is_not_on_this_machine_gets_neither_token_nor_key(nowhere: Millwright) -> None:
    nowhere.home.mkdir()
    (nowhere.home / ADDRESS_FILE).write_text(json.dumps({"url": "http://192.0.2.1:8080"}))
    header = nowhere.home / LOCAL_HEADER_FILE
    header.touch(mode=0o600)
    header.write_text("Authorization: Bearer token-of-home")
    assert "no API key is given" in nowhere.refuses(*SHELVE)
    refused = nowhere.refuses(*SHELVE, "--key", KEY)
    assert "an API key is not sent over plain http to 192.0.2.1" in refused
    assert KEY not in refused


def test_a_token_that_others_may_read_is_not_used(played: Millwright) -> None:
    played.says(*SHELVE)
    (played.home / LOCAL_HEADER_FILE).chmod(0o644)
    assert "has mode 0644, so other users may use its token" in played.refuses(*SHELVE)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://plant.example:8080", "an API key is not sent over plain http to plant.example"),
        ("http://127.0.0.1.plant.example", "an API key is not sent over plain http"),
        ("ftp://plant.example", "is no address of an API"),
        ("https://plant.example/\x01", "is no address of an API"),
        ("https://plant..example", "is no address of an API"),
        (f"https://{'x' * 70}.example", "is no address of an API"),
        ("plant.example:8080", "is no address of an API"),
        ("https://", "is no address of an API"),
        ("https://plant.example:port", "is no address of an API"),
        ("https://emil:hidden-word@plant.example", "has more than a host and a port"),
        ("https://plant.example/?to=hidden-word", "has more than a host and a port"),
        ("https://plant\x1b.example", "is no address of an API"),
    ],
)
def test_an_address_that_would_not_keep_the_key_is_refused(nowhere: Millwright, url: str, words: str) -> None:
    refused = nowhere.refuses("--api", url, *SHELVE, "--key", KEY)
    assert words in refused
    assert KEY not in refused
    assert "hidden-word" not in refused


@pytest.mark.parametrize("key", ["two words", "line\nX-Other: 1", "schl\u00fcssel", "k" * 600, "\x1b[2J"])
def test_what_is_no_api_key_is_not_sent_and_not_repeated(nowhere: Millwright, hostile: Hostile, key: str) -> None:
    refused = nowhere.refuses("--api", hostile.url, *SHELVE, "--key", key)
    assert refused == "key: is no API key (`millwright people enrol` prints one, once)"
    assert hostile.heard == []


def test_a_proxy_of_the_environment_does_not_get_what_is_sent_in_the_clear(
    nowhere: Millwright, hostile: Hostile, other: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other.url)
    hostile.body = json.dumps({"by": "emil"}).encode()
    nowhere.says("--api", hostile.url, "case", "decide", "MW1", "--reject", "--reason", "x", "--key", KEY)
    assert [asked["Authorization"] for asked in hostile.heard] == [f"Bearer {KEY}"]
    assert other.heard == []


def test_a_server_that_answers_for_another_version_gets_no_signature(played: Millwright, hostile: Hostile) -> None:
    """A person who names a digest signs that digest or nothing."""
    key = join(played.home, "bert", "approver")
    told = {"name": "bert", "roles": ["approver"], "now": "2026-01-01T00:00:00Z"}
    hostile.body = json.dumps({**told, "policy": "p", "version": "1.2.0", "digest": "f" * 64}).encode()
    approve = ("policy", "approve", "a" * 64, "--meaning", "I read it", "--key", key)
    refused = played.refuses("--api", hostile.url, *approve)
    assert f"the API answers with {'f' * 64}, which is not {'a' * 64}" in refused
    assert len(hostile.heard) == 2


def test_an_api_that_closes_the_connection_is_one_sentence(nowhere: Millwright) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(1)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        refused = nowhere.refuses("--api", url, *SHELVE, "--key", KEY)
        thread.join()
    assert "ended before the answer came; look whether it was done before you do it again" in refused
    assert KEY not in refused
