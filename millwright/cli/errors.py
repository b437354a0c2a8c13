"""How a command fails: one sentence on stderr and an exit code, never a traceback."""

import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from domain.errors import MillwrightError, StorageUnavailable
from millwright.cli.output import say

INTERRUPTED = 130
"""The exit code of a program that was ended by Ctrl-C."""


class Commands(TyperGroup):
    """The root of all commands: exit code 1 after an error, also an internal one, 2 if the command line was wrong."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        try:
            return super().main(args, prog_name, complete_var, standalone_mode, windows_expand_args, **extra)
        except Exception as error:  # noqa: BLE001 - the outermost place: whatever it is, a person reads it
            say(_sentence(error), err=True)
            raise SystemExit(1) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def _sentence(error: BaseException) -> str:
    ours = _ours(error)
    if isinstance(ours, StorageUnavailable):
        return f"the database does not answer: {ours}"
    return str(ours) if ours is not None else _fault(error)


def _ours(error: BaseException) -> MillwrightError | None:
    if isinstance(error, MillwrightError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for exception in error.exceptions if (found := _ours(exception)) is not None), None)
    return None


def _fault(error: BaseException) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="millwright-fault-", suffix=".txt", delete=False) as report:
        report.writelines(traceback.format_exception(error))
    return f"Internal error, {type(error).__name__}: {error}. Please report it with {Path(report.name)}."
