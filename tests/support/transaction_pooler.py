"""A pooler like PgBouncer with `pool_mode = transaction`: its clients share one session of the database, a transaction
each."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from psycopg.conninfo import conninfo_to_dict

_LENGTH: Final = struct.Struct("!i")
_STARTUP: Final = 196608
_ENDS_A_ROUND: Final = (b"Q", b"S")
_GREETING: Final = b"R" + struct.pack("!ii", 8, 0)
_READY: Final = b"Z" + struct.pack("!i", 5) + b"I"
_CANCEL_KEY: Final = b"K" + struct.pack("!iii", 12, 7, 7)

_Message = tuple[bytes, bytes]


@asynccontextmanager
async def transaction_pooler(database_url: str) -> AsyncIterator[str]:
    """The URL of a pooler in front of a database that is reached by a Unix socket."""
    parts = conninfo_to_dict(database_url)
    pooler = _Pooler(*await asyncio.open_unix_connection(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}"))
    await pooler.sign_in(str(parts["user"]), str(parts["dbname"]))
    server = await asyncio.start_server(pooler.serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"postgresql://{parts['user']}@127.0.0.1:{port}/{parts['dbname']}"
    pooler.close()


class _Pooler:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._session = asyncio.Lock()
        self._settings = b""

    async def sign_in(self, user: str, database: str) -> None:
        """Opens the session; trust authentication only."""
        body = struct.pack("!i", _STARTUP) + f"user\0{user}\0database\0{database}\0\0".encode()
        self._writer.write(_LENGTH.pack(len(body) + 4) + body)
        kind = b""
        while kind != b"Z":
            kind, message = await _message(self._reader)
            self._settings += message if kind == b"S" else b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one client until it says that it leaves."""
        length, code = struct.unpack("!ii", await reader.readexactly(8))
        while code != _STARTUP:
            writer.write(b"N")
            length, code = struct.unpack("!ii", await reader.readexactly(8))
        await reader.readexactly(length - 8)
        writer.write(_GREETING + self._settings + _CANCEL_KEY + _READY)
        kind, message = await _message(reader)
        while kind != b"X":
            async with self._session:
                kind = await self._transaction(message, kind, reader, writer)
            if kind != b"X":
                kind, message = await _message(reader)
        writer.close()

    async def _transaction(
        self, message: bytes, kind: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        """Passes messages on until the database says that no transaction is open."""
        while kind != b"X":
            self._writer.write(message)
            if kind in _ENDS_A_ROUND and await self._answer(writer) == b"I":
                return kind
            kind, message = await _message(reader)
        return kind

    async def _answer(self, writer: asyncio.StreamWriter) -> bytes:
        """Passes on an answer; returns the state of the transaction after it."""
        kind, message = await _message(self._reader)
        while kind != b"Z":
            writer.write(message)
            kind, message = await _message(self._reader)
        writer.write(message)
        return message[-1:]

    def close(self) -> None:
        self._writer.close()


async def _message(reader: asyncio.StreamReader) -> _Message:
    """A message's kind, and the whole of it."""
    head = await reader.readexactly(5)
    (length,) = _LENGTH.unpack(head[1:])
    return head[:1], head + await reader.readexactly(length - 4)
