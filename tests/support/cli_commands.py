"""Every command of the command line, by what it works on."""

from collections.abc import Sequence
from typing import Final

ACTS: Final = frozenset(
    {
        "shelve",
        "unshelve",
        "windows import",
        "case decide",
        "case retry",
        "case correct",
        "case outcome",
        "hold accept",
        "hold refuse",
        "hold release",
        "lots review",
        "hold again",
        "hold prove",
        "hold looked",
        "hold let-run",
        "hold withdraw-proof",
        "events redrive",
        "unreadable settle",
        "drift run",
        "assets import",
        "assets map",
        "assets import-crosswalk",
        "missed confirm",
        "missed deny",
        "assets retire",
        "policy draft",
        "policy import",
        "policy submit",
        "policy approve",
        "policy withdraw",
        "policy activate",
        "policy shadow",
        "policy canary",
        "policy rollback",
        "policy promote",
        "policy demote",
        "policy stop",
        "policy lift",
        "policy freeze",
        "policy thaw",
    }
)
"""Acts of a person. They go through the API, and open no database."""

READS: Final = frozenset(
    {
        "why",
        "floods",
        "capacity",
        "shelved",
        "case list",
        "case show",
        "case unknown-codes",
        "policy price",
        "hold list",
        "hold show",
        "hold proposals",
        "lots list",
        "missed list",
        "quality show",
        "quality alarms",
        "quality load",
        "quality blame",
        "missed doubtful",
        "lots show",
        "hold proofs",
        "events list",
        "unreadable list",
        "drift list",
        "freshness list",
        "freshness blind",
        "freshness objectives",
        "windows list",
        "labels compare",
        "labels export",
        "labels verify",
        "audit ask",
        "audit evidence",
        "assets list",
        "assets suggest",
        "policy show",
        "policy list",
        "policy history",
        "policy export",
        "policy in-force",
        "policy autonomy",
        "policy stops",
        "policy freezes",
        "policy backtest",
        "policy suggest",
        "policy hits",
        "policy check",
        "policy schema",
        "policy prove",
        "policy try",
        "policy diff",
    }
)
"""Commands that read the database or files and change nothing. `policy backtest --attach` acts, through the API."""

DATABASE: Final = frozenset(
    {
        "doctor",
        "people first",
        "audit verify",
        "audit export",
        "audit head",
        "db upgrade",
        "db check",
        "db stop",
    }
)
"""Migration, restore and audit: they work directly on the database, and say so."""

PEOPLE: Final = frozenset(
    {
        "people list",
        "people add",
        "people confirm",
        "people enrol",
        "people roles",
        "people renew-keys",
        "people end-keys",
        "people leave",
        "people erase-name",
        "installation-key show",
        "installation-key register",
        "installation-key end",
        "installation-key confirm",
    }
)
"""Acts on people and the installation's key. They go through the API too, each signed by an administrator."""

PROCESSES: Final = frozenset(
    {
        "run",
        "up",
        "sandbox",
        "engine",
        "worker",
        "intake",
        "api",
        "home remove",
        "installation-key create",
        "mes-certificate create",
    }
)
"""Processes of an installation, its home, and its keys."""

CONNECTOR: Final = frozenset(
    {"connector check", "connector try", "connector drive", "connector preview", "connector new"}
)
"""Work on a connector to a CMMS. It needs no home, database or engine, and nothing of it is an act of a case."""


def acts(arguments: Sequence[str]) -> bool:
    """Whether a command line is one that acts."""
    return " ".join(arguments[:1]) in ACTS or " ".join(arguments[:2]) in ACTS or "--attach" in arguments
