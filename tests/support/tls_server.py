"""A server over TLS that wants a certificate of each client, and answers 503."""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.support.certificates import Issued

ANSWER = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class TlsServer:
    """It takes one request of each connection.

    Args:
        own: its certificate.
        clients: the authority whose certificates it takes.
        version: the newest version of TLS that it speaks.
        abrupt: whether it cuts each connection after the handshake, so that the client does not hear why.
    """

    def __init__(self, own: Issued, clients: Path, version: ssl.TLSVersion, *, abrupt: bool = False) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own.certificate, own.key)
        self._context.load_verify_locations(clients)
        self._context.verify_mode = ssl.CERT_NONE if abrupt else ssl.CERT_REQUIRED
        self._context.maximum_version = version
        self._abrupt = abrupt
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.clients: list[str] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._socket.getsockname()[1]}"

    def serve(self) -> None:
        """Takes connections until the server is closed, one after the other."""
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        secured = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            secured.do_handshake()
        except ssl.SSLError:
            with socket.socket(fileno=secured.detach()) as plain:
                plain.settimeout(10)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(65536):
                    pass
            return
        with secured:
            if self._abrupt:
                secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            names = dict(part for row in (secured.getpeercert() or {}).get("subject", ()) for part in row)  # type: ignore[misc]
            self.clients.append(str(names["commonName"]))
            _read_request(secured)
            secured.sendall(ANSWER)

    def close(self) -> None:
        # Closing alone does not wake a thread that accepts.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _read_request(connection: ssl.SSLSocket) -> None:
    """Reads head and body. A connection that is closed with something unread is cut, and the client sees no answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    while length is not None and len(body) < int(length.group(1)):
        body += connection.recv(65536)


@contextlib.contextmanager
def tls_server(
    own: Issued, clients: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, *, abrupt: bool = False
) -> Iterator[TlsServer]:
    """The server, within the block."""
    server = TlsServer(own, clients, version, abrupt=abrupt)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
