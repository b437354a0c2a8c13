"""Restores the logging configuration. A process has only one, so a test that changes it affects all others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from millwright.runtime.logs import QUIETED


@contextmanager
def logging_as_found() -> Iterator[None]:
    """Restores the root logger and the libraries' loggers at the end of the block."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in QUIETED}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
