"""Addresses: where a secret may be sent, how a URL carries one, and which host a request names."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

PLAIN_HERE_ONLY: Final = "may be plain http only on this machine (127.0.0.1, localhost), because it carries a secret"
_AUTHORITY: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::[0-9]{0,5})?")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(authority: str) -> str | None:
    """The host of a `host:port`, as hosts are compared: in lower case, an address in its shortest form.

    None if it is neither a name nor an address, or has anything beside the port.
    """
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return None
    host = (found[1] or found[2]).lower()
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None if found[1] else host


def check_encrypted(url: str) -> None:
    """Refuses an address to which a secret would go unencrypted.

    Raises:
        ValueError: it is plain http, and not to this machine.
    """
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(f"{PLAIN_HERE_ONLY}; write https://…")


def origin(url: str, otherwise: str = "", form: str = "https://host:port") -> str:
    """An address without a path, without the slash at its end.

    Args:
        otherwise: what follows in the message where there is a path.
        form: how the message says to write it.

    Raises:
        ValueError: it has another form, or is plain http and not to this machine.
    """
    trimmed = url.rstrip("/")
    parts = urlsplit(trimmed)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in trimmed:
        raise ValueError(f"needs the form {form}, without a user or a password in it")
    if parts.path or parts.query or parts.fragment:
        raise ValueError(f"needs the form {form}, without a path{otherwise}")
    check_encrypted(trimmed)
    return trimmed


def api_address(url: str, form: str) -> str:
    """The address of an API, which may have a path, without the slash at its end.

    Args:
        form: how the message says to write it.

    Raises:
        ValueError: it has another form, or is plain http and not to this machine.
    """
    trimmed = url.rstrip("/")
    if not trimmed.startswith(("https://", "http://")) or "@" in trimmed or "?" in trimmed:
        raise ValueError(f"needs the form {form}, without a user, a password or a query in it")
    check_encrypted(trimmed)
    return trimmed


def check_escaped(url: str) -> None:
    """Refuses a URL whose user or password has characters that separate the parts of a URL: part of the password would
    be read as the host, and would be in messages.

    Raises:
        ValueError: one of the characters is there. The message has nothing of the URL in it.
    """
    user_info, _, _ = url.partition("://")[2].rpartition("@")
    _, _, password = user_info.partition(":")
    if any(separator in user_info for separator in "@/?#[]") or ":" in password:
        raise ValueError(
            "has a character in its user or password that separates the parts of a URL; "
            "write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23"
        )
