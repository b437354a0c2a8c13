"""The exception classes of a client library, and an exception of each."""

import inspect
import sys
from collections.abc import Collection

from connectors.library_errors import PLAIN_ERRORS


def exceptions_of(*packages: str, without: Collection[str] = ()) -> list[type[Exception]]:
    """Every exception class that the loaded modules of these packages define, and Python's own.

    Args:
        without: names of classes that no call of ours can raise.
    """
    modules = [module for name, module in list(sys.modules.items()) if _is_of(name, packages)]
    found = {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)}
    own = [
        kind
        for kind in found
        if issubclass(kind, Exception) and not issubclass(kind, Warning) and _is_of(kind.__module__, packages)
    ]
    wanted = [kind for kind in own if kind.__name__ not in without]
    return sorted([*wanted, *PLAIN_ERRORS, *_of_python()], key=lambda kind: (kind.__module__, kind.__qualname__))


def _of_python() -> list[type[Exception]]:
    return [ConnectionResetError, KeyError, NotImplementedError, OverflowError, TimeoutError]


def _is_of(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def drawn(kind: type[Exception]) -> Exception:
    """An exception of a class, with one sentence for its words if its constructor takes them."""
    try:
        return kind("as drawn")
    except (TypeError, AttributeError):
        made = kind.__new__(kind)
        made.args = ("as drawn",)
        return made
