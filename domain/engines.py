"""The version of the policy engine itself. It is independent of policy versions."""

from domain.model import Model

TOOK_OVER = "engine-took-over"
"""The kind of the act in the ledger from which on another engine gives the verdicts."""


class EngineMark(Model):
    """The mark of a policy engine.

    `digest` is the SHA-256 of the code of every module that judging uses, without comments and docstrings, and of the
    versions of the libraries. `libraries` names these, as in `orjson 3.13.0, pydantic 2.14.3`; earlier builds left it
    empty. `build` and `python` are the release and the interpreter in which the engine was first seen.
    """

    digest: str
    build: str
    python: str
    libraries: str = ""
