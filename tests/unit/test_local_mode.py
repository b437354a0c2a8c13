"""The file with the token of local mode: who may have written it, and who may read it."""

import os
from pathlib import Path

import httpx
import pytest

from domain.errors import Rejected
from millwright.demo.local_sign_in import LocalSignIn
from millwright.runtime.embedded.occupancy import LOCAL_HEADER_FILE
from millwright.runtime.local_mode import local_authorization, local_token


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644, 0o666, 0o777])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    with local_token(tmp_path):
        (tmp_path / LOCAL_HEADER_FILE).chmod(mode)
        with pytest.raises(Rejected, match=f"has mode {mode:04o}, so other users may use its token"):
            local_authorization(tmp_path)


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_token(tmp_path):
        monkeypatch.setattr(os, "geteuid", lambda: -1)
        with pytest.raises(Rejected, match="belongs to another user"):
            local_authorization(tmp_path)


def test_a_link_to_a_file_is_refused(tmp_path: Path) -> None:
    with local_token(tmp_path / "other"):
        (tmp_path / LOCAL_HEADER_FILE).symlink_to(tmp_path / "other" / LOCAL_HEADER_FILE)
        with pytest.raises(Rejected, match="cannot be read"):
            local_authorization(tmp_path)


def test_a_file_with_something_else_is_refused_without_being_quoted(tmp_path: Path) -> None:
    file = tmp_path / LOCAL_HEADER_FILE
    file.touch(0o600)
    file.write_text("a-secret")
    with pytest.raises(Rejected, match="holds no `Authorization` header") as refused:
        local_authorization(tmp_path)
    assert "a-secret" not in str(refused.value)


def test_an_absent_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="start the API of this home with MILLWRIGHT_LOCAL_MODE=true"):
        local_authorization(tmp_path)


def test_a_file_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    for name in (LOCAL_HEADER_FILE, f"{LOCAL_HEADER_FILE}.new"):
        (tmp_path / name).touch(0o666)
    with local_token(tmp_path) as token:
        assert local_authorization(tmp_path) == f"Bearer {token}"
    assert list(tmp_path.iterdir()) == []


def test_the_token_of_a_later_api_of_the_home_is_not_removed(tmp_path: Path) -> None:
    earlier = local_token(tmp_path)
    earlier.__enter__()
    with local_token(tmp_path) as later:
        earlier.__exit__(None, None, None)
        assert local_authorization(tmp_path) == f"Bearer {later}"


def test_each_token_is_another_one(tmp_path: Path) -> None:
    with local_token(tmp_path) as first:
        pass
    with local_token(tmp_path) as second:
        assert first != second


def test_a_request_is_signed_again_if_the_api_was_started_again(tmp_path: Path) -> None:
    with local_token(tmp_path) as first:
        flow = LocalSignIn(tmp_path).auth_flow(httpx.Request("GET", "http://127.0.0.1"))
        signed = [next(flow).headers["Authorization"]]
    with local_token(tmp_path) as second:
        signed.append(flow.send(httpx.Response(401)).headers["Authorization"])
    assert signed == [f"Bearer {first}", f"Bearer {second}"]
