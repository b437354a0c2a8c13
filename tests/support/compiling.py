"""Sees whether a policy is compiled, or its text is read, on the thread of the event loop."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final
from unittest.mock import patch

from policies.engine.judging import compile_policy
from policies.language.document import read_document

_LONG: Final = {compile_policy.__code__, read_document.__code__}
_ROOT: Final = Path(__file__).resolve().parents[2]


@contextmanager
def compiled_here() -> Iterator[list[str]]:
    """The functions of ours that compiled a policy on this thread within the block; those of tests do not count.

    It sees each call of this thread, and none of another one: no time is measured, so a busy machine changes nothing.
    Within the block each version is compiled anew, also one that an earlier test of this process compiled.
    """
    found: list[str] = []

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in _LONG:
            caller = _caller(frame)
            if not caller.startswith("tests/"):
                found.append(caller)

    before = sys.getprofile()
    with patch("policies.engine.catalogue.compile_policy", compile_policy):
        sys.setprofile(look)
        try:
            yield found
        finally:
            sys.setprofile(before)


def _caller(frame: FrameType) -> str:
    """The function that made the engine of policies compile: the first one outside of it."""
    outside: FrameType | None = frame
    while outside is not None and _file(outside).startswith("policies/"):
        outside = outside.f_back
    return "nobody" if outside is None else f"{_file(outside)}:{outside.f_code.co_qualname}"


def _file(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name
