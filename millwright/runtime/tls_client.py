"""An HTTP client whose certificates are read again when their files change."""

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
from pydantic import BaseModel

from domain.errors import Rejected
from millwright.runtime.no_cookies import NoCookies
from millwright.runtime.setting_files import FileState, file_state

log = logging.getLogger(__name__)

_FILES: Final = ("server_ca", "client_certificate", "client_key")


class TlsContext:
    """The context of the connections of one client.

    A changed file counts for new connections. While a file cannot be used, the connections have what was read last,
    and the log says so once. An authority that was taken out of `server_ca` is trusted until the next start: a context
    forgets none.

    Args:
        files: the files of the settings by their names.
        variable: the environment variable of a setting.

    Raises:
        Rejected: a file cannot be used; `field` is its variable.
    """

    def __init__(self, files: dict[str, Path], variable: Callable[[str], str]) -> None:
        self._files = files
        self._variable = variable
        self._seen = self._states()
        self._faulty = False
        self.context = self._loaded(self._new())

    async def refresh(self, request: httpx.Request) -> None:
        """Reads the files again if one has changed. It is a hook of the client, called before each request."""
        del request
        states = self._states()
        if None not in states and states == self._seen:
            return
        try:
            # A certificate that does not fit the key would take the good key out of the context.
            self._loaded(self._new())
            self._loaded(self.context)
        except Rejected as error:
            if not self._faulty:
                log.warning("%s: the files of the connection as they were before are still used", error)
            self._faulty = True
            return
        self._seen, self._faulty = states, False

    def _states(self) -> tuple[FileState | None, ...]:
        return tuple(file_state(file) for file in self._files.values())

    def _new(self) -> ssl.SSLContext:
        if "server_ca" in self._files:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.create_ssl_context()

    def _loaded(self, context: ssl.SSLContext) -> ssl.SSLContext:
        if "server_ca" in self._files:
            self._reading("server_ca", lambda file: context.load_verify_locations(file))
        if "client_certificate" in self._files:
            key = self._files["client_key"]
            # Without a function for the passphrase, OpenSSL would ask on the terminal.
            self._reading("client_key", lambda file: file.open("rb").close())
            self._reading("client_certificate", lambda file: context.load_cert_chain(file, key, password=lambda: b""))
        return context

    def _reading(self, name: str, read: Callable[[Path], None]) -> None:
        file = self._files[name]
        try:
            read(file)
        except ssl.SSLError as error:
            words = {
                "KEY_VALUES_MISMATCH": "is not the certificate of the key in client_key",
                "BAD_DECRYPT": "goes with a key that has a passphrase, which nobody could enter",
            }.get(error.reason or "", "has no certificate in PEM, or client_key has no key in PEM without a passphrase")
            problem = f"{file} has no certificate in PEM" if name == "server_ca" else f"{file} {words}"
        except OSError as error:
            problem = f"{file} cannot be read: {error.strerror}"
        else:
            return
        raise Rejected(problem, field=self._variable(name), fix=f"correct the file, or {self._variable(name)}")


def tls_client(files: dict[str, Path], variable: Callable[[str], str]) -> httpx.AsyncClient:
    """A client for the files of one connector. It has the proxies of the environment.

    Raises:
        Rejected: a file cannot be used.
    """
    tls = TlsContext(files, variable)
    return httpx.AsyncClient(
        follow_redirects=False, cookies=NoCookies(), verify=tls.context, event_hooks={"request": [tls.refresh]}
    )


def tls_files_of(own: BaseModel) -> dict[str, Path]:
    """The files that a connector's own settings name, by the names of the settings; none for a connector that does not
    speak HTTP: its files are its own business."""
    named = own.model_dump(include=set(_FILES))
    return {name: file for name, file in named.items() if file is not None} if set(_FILES) <= named.keys() else {}
