"""Logging put back as it was: a process has one, and a test that configures it shares it with all others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from millwright.runtime.logs import QUIETED


@contextmanager
def logging_as_found() -> Iterator[None]:
    """Whatever is done to the root logger and the libraries' within the block is undone at its end."""
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
