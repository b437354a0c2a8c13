"""A draft is examined in a process of its own: bounded in time, memory and number, and ended when nobody waits."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
from fastapi import FastAPI

from domain.approvals import SUBMIT
from millwright.api.draft_examination import AT_ONCE, DraftExaminations
from millwright.bootstrap import Storage
from millwright.settings import Settings
from policies.engine.judging import compile_policy
from tests.api.test_api_policies import SignedInPeople
from tests.support.drafts import rule, text
from tests.support.ingress import until
from tests.support.policy_people import candidate
from tests.support.served_api import served

_HARD = "anomaly.value * anomaly.baseline / anomaly.score == anomaly.lead_low_hours * anomaly.lead_high_hours"
_SLOW = text(
    rule("hard", f"{_HARD} && anomaly.value * anomaly.value > anomaly.baseline + 1.0", "inspect"),
    more="properties: [{ id: p, says: So., never: { when: 'anomaly.score > 1.5', rung_at_least: inspect } }]\n",
).replace("author: Reliability engineering", "author: anna")
"""A draft on whose property the solver works for 20 seconds."""
_CASES = """\
cases:
  - name: hard
    asset: {}
"""
_SAVE = {"document": candidate().text, "cases": "cases: []\n", "reason": "a try"}
_SLEEPS = "import os, sys, pathlib, time; pathlib.Path(sys.argv[1], str(os.getpid())).touch(); time.sleep(60)"


@pytest.fixture
async def signed_in(api: httpx.AsyncClient, storage: Storage) -> SignedInPeople:
    made = SignedInPeople(api, storage)
    await made.open()
    return made


def examine_with(app: FastAPI, code: str, *arguments: str, seconds: float = 60) -> None:
    """Has the application's examinations run this program instead."""
    app.state.deps.examinations = DraftExaminations(seconds, (sys.executable, "-c", dedent(code), *arguments))


async def started(folder: Path, count: int = 1) -> list[int]:
    """The process ids that so many running examinations have written."""

    found: list[int] = []

    async def are_there() -> bool:
        found[:] = (int(name) for name in os.listdir(folder))
        return len(found) == count

    await until(are_there)
    return found


def lives(pid: int) -> bool:
    """Whether there is such a process, also one that nobody has waited for."""
    return Path(f"/proc/{pid}").exists()


async def test_a_draft_whose_proof_takes_long_is_ended_at_the_limit_and_others_are_answered_meanwhile(
    app: FastAPI, api: httpx.AsyncClient, signed_in: SignedInPeople
) -> None:
    policy = compile_policy(_SLOW, "slow.yaml")
    name = policy.document
    await signed_in.people.drafts.save(
        policy=name.policy, version=name.version, digest=policy.digest, document=_SLOW, cases=_CASES,
        author="anna", by="anna", reason="a try",
    )  # fmt: skip
    app.state.deps.examinations = DraftExaminations(seconds=3.0)
    body = {"meaning": "please", **signed_in.signed("anna", policy.digest, SUBMIT, "please")}
    begun = time.monotonic()
    submitting = asyncio.create_task(signed_in.post("anna", "/policies/drafts/drafts/1.0.0/submission", **body))
    waits = []
    while not submitting.done():
        asked = time.monotonic()
        assert (await api.get("/health")).status_code == 200
        waits.append(time.monotonic() - asked)
        await asyncio.sleep(0.01)
    answer = await submitting
    assert (answer.status_code, answer.json()["field"]) == (422, "document"), answer.text
    assert answer.json()["detail"] == "its examination took longer than 3 s and was ended"
    assert 3 <= time.monotonic() - begun < 6
    assert sorted(waits)[len(waits) * 99 // 100] < 0.1


@pytest.fixture
def no_collection() -> Iterator[None]:
    """No collection of garbage: that of all that the tests have loaded takes half a second, and is not the API's."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
async def test_a_draft_is_compiled_for_its_name_while_others_are_answered(
    api: httpx.AsyncClient, signed_in: SignedInPeople
) -> None:
    rules = (rule(f"r{number}", f"anomaly.score >= {number}.5 && anomaly.value > {number}.0") for number in range(199))
    document = text(*rules).replace("author: Reliability engineering", "author: anna")
    saving = asyncio.create_task(signed_in.post("anna", "/policies/drafts", **{**_SAVE, "document": document}))
    longest = 0.0
    while not saving.done():
        # The time of this thread, so that a busy machine changes nothing.
        before = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - before)
    answer = await saving
    assert answer.status_code == 201, answer.text
    assert longest < 0.02


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("import os; os.kill(os.getpid(), 9)", 503, "ended before its answer (signal SIGKILL)"),
        ("import os; os.abort()", 503, "ended before its answer (signal SIGABRT)"),
        ("import sys; sys.exit(7)", 503, "ended before its answer (exit code 7)"),
    ],
)
async def test_a_process_that_dies_is_a_sentence(
    app: FastAPI, signed_in: SignedInPeople, code: str, status: int, words: str
) -> None:
    examine_with(app, code)
    answer = await signed_in.post("anna", "/policies/drafts", **_SAVE)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert "nothing was stored" in answer.json()["detail"]
    app.state.deps.examinations = DraftExaminations()
    assert (await signed_in.post("anna", "/policies/drafts", **_SAVE)).status_code == 201


async def test_a_process_that_needs_too_much_memory_is_a_sentence(app: FastAPI, signed_in: SignedInPeople) -> None:
    examine_with(
        app,
        """
        from millwright.policy_operations import examining
        examining.examined = lambda asked: [bytes(1 << 20) for _ in range(1 << 20)]
        examining.main()
        """,
    )
    answer = await signed_in.post("anna", "/policies/drafts", **_SAVE)
    assert (answer.status_code, answer.json()["detail"]) == (422, "its examination needed more than 1024 MiB of memory")


async def test_more_examinations_at_once_than_the_limit_are_refused_and_two_share_no_process(
    app: FastAPI, signed_in: SignedInPeople, tmp_path: Path
) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    examine_with(app, _SLEEPS, str(folder), seconds=3)
    both = [asyncio.create_task(signed_in.post("anna", "/policies/drafts", **_SAVE)) for _ in range(AT_ONCE)]
    pids = await started(folder, AT_ONCE)
    assert len({*pids, os.getpid()}) == AT_ONCE + 1
    assert len({os.getpgid(pid) for pid in (*pids, os.getpid())}) == AT_ONCE + 1
    refused = await signed_in.post("anna", "/policies/drafts", **_SAVE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1"), refused.text
    assert "no more may at once" in refused.json()["detail"]
    assert [(await answer).status_code for answer in both] == [422, 422]
    assert not [pid for pid in pids if lives(pid)]


async def test_a_process_ends_with_all_it_started_soon_after_its_caller_has_gone(
    app: FastAPI, signed_in: SignedInPeople, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    grandchild = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_SLEEPS!r}, sys.argv[1]])\n{_SLEEPS}"
    )
    examine_with(app, grandchild, str(folder))
    async with served(app, settings) as url, httpx.AsyncClient(base_url=url) as client:
        key = {"Authorization": "Bearer key of anna"}
        saving = asyncio.create_task(client.post("/policies/drafts", json=_SAVE, headers=key))
        pids = await started(folder, 2)
        saving.cancel()
        gone = time.monotonic()

        async def all_ended() -> bool:
            return not any(_runs(pid) for pid in pids)

        await until(all_ended)
        assert time.monotonic() - gone < 2


async def test_a_process_ends_when_the_api_is_killed() -> None:
    examining = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import time\nfrom millwright.policy_operations import examining\n"
        "examining.examined = lambda asked: (print('begun', flush=True), time.sleep(60))\nexamining.main()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert examining.stdin is not None
    assert examining.stdout is not None
    examining.stdin.write(b"{}\n")
    assert await examining.stdout.readline() == b"begun\n"
    examining.stdin.close()
    assert await asyncio.wait_for(examining.wait(), 5) == 1


def _runs(pid: int) -> bool:
    """Whether a process runs; one that has ended and that its parent has not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
