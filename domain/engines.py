"""What judged: the engine's own version, apart from the policy version that it was given."""

from domain.model import Model

TOOK_OVER = "engine-took-over"
"""The kind of the act by which the ledger tells that from here on another engine gives the verdicts."""


class EngineMark(Model):
    """An engine. `digest` is the SHA-256 of the source of every module that judging rests on; `build` and `python` are
    the release and the interpreter that it was first seen in."""

    digest: str
    build: str
    python: str
