"""What a vendor's client library may raise besides its own exceptions."""

import struct
from typing import Final

PLAIN_ERRORS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""Python's own, after a lost connection or for an answer with an unexpected shape. A connector translates them all:
an error that is none of ours is tried again for ever, and no person gets to see it."""
