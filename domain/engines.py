"""What judged: the engine's own version, apart from the policy version that it was given."""

from domain.model import Model

TOOK_OVER = "engine-took-over"
"""The kind of the act by which the ledger tells that from here on another engine gives the verdicts."""


class EngineMark(Model):
    """An engine.

    `digest` is the SHA-256 of the code of every module that judging goes through, without comments and docstrings, and
    of the versions of the libraries. `libraries` names these, as in `orjson 3.13.0, pydantic 2.14.3`; it is empty for
    an engine of before they were named. `build` and `python` are the release and the interpreter that it was first
    seen in.
    """

    digest: str
    build: str
    python: str
    libraries: str = ""
