"""Settings whose values stand in files, as a vault mounts them."""

from pathlib import Path

from domain.errors import Rejected

_LARGEST = 64 << 10


def file_content(file: Path, variable: str) -> str:
    """The text of a file, without line ends at its end.

    Args:
        variable: the environment variable that names the file.

    Raises:
        Rejected: it cannot be read, is larger than 64 KiB, or has no text. The message has nothing of its content.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        text = content.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise _rejected(f"{file} cannot be read: {error.strerror}", variable) from error
    except UnicodeDecodeError:
        raise _rejected(f"{file} has no text in UTF-8", variable) from None
    if len(content) > _LARGEST:
        raise _rejected(f"{file} is larger than {_LARGEST} bytes", variable)
    if not text:
        raise _rejected(f"{file} is empty", variable)
    return text


def _rejected(problem: str, variable: str) -> Rejected:
    return Rejected(problem, field=variable, fix=f"correct the file, or {variable}")
