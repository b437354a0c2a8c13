"""Authentication and authorization."""

import hmac
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.clock import Clock
from domain.keys import LOCAL_ACTOR
from domain.model import Model
from domain.people import ADMINISTRATOR, ROLES
from domain.senders import ALARM, ANY, INGEST, Binding
from millwright.api.problems import Problem
from millwright.api.refusals import Refusals
from millwright.people.persons import api_key_hash
from millwright.storage.policies.keyring import KeyHolder, key_holders

PLANNER, OPERATOR, PRODUCTION, QUALITY, READER = "planner", "operator", "production", "quality", "reader"
READING = (READER, PLANNER, OPERATOR, PRODUCTION, QUALITY, "auditor", "author", "approver", ADMINISTRATOR)
"""Everybody but a machine that only sends."""

_KEPT_FOR = 5.0
_LOOK_AGAIN_AFTER = 1.0
_PERSON = "millwright.person"
"""In the scope of a request: who was signed in before its body was read."""
_bearer = HTTPBearer(
    auto_error=False,
    description="An API key of a person, from `millwright people enrol`, or the token of local mode.",
)


class Person(Model):
    """A signed-in person."""

    name: str
    roles: frozenset[str]
    binding: Binding | None = None
    """What a sender may send."""


LOCAL = Person(
    name=LOCAL_ACTOR,
    roles=frozenset(ROLES) - {ADMINISTRATOR},
    binding=Binding(sources=(ANY,), types=(ANY, ALARM)),
)
"""Whoever proves with the token of local mode that they own the API's home."""


class KeyRing:
    """Finds persons by their API keys; the result from storage is cached for a few seconds.

    Args:
        engine: the database.
        clock: the plant's time, by which keys end.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._holders: tuple[KeyHolder, ...] = ()
        self._read_at = float("-inf")
        self._changes = 0

    async def person(self, key: str, *, look_again: bool = True) -> Person | None:
        """The person who has this key, or None.

        Args:
            look_again: whether storage is read for a key that is not in the cache.

        Raises:
            StorageUnavailable: the cache has expired, and storage does not answer.
        """
        hashed = api_key_hash(key)
        await self._refresh(_KEPT_FOR)
        found = self._find(hashed)
        if found is None and look_again:
            # The person may have been added just now. Storage is read at most once a second, for any number of wrong
            # keys.
            await self._refresh(_LOOK_AGAIN_AFTER)
            found = self._find(hashed)
        return found

    def read_again(self) -> None:
        """Reads storage for the next key: somebody's keys have changed."""
        self._read_at = float("-inf")
        self._changes += 1

    async def _refresh(self, age: float) -> None:
        while time.monotonic() - self._read_at > age:
            # What is read is as old as the beginning of the read, and what changed during it is not in it.
            began, changes = time.monotonic(), self._changes
            holders = await key_holders(self._engine)
            if changes == self._changes:
                self._holders, self._read_at = holders, began
                return

    def _find(self, hashed: str) -> Person | None:
        found: Person | None = None
        now = self._clock.now()
        for holder in self._holders:
            # Compare with all keys in constant time, so that the duration reveals nothing about nearly correct keys.
            if hmac.compare_digest(holder.api_key_hash, hashed) and (holder.until is None or now < holder.until):
                found = Person(name=holder.name, roles=holder.roles, binding=holder.binding)
        return found


def may(*roles: str) -> Callable[..., Awaitable[Person]]:
    """A dependency that returns the signed-in person, if they have one of the roles."""

    async def signed_in(
        request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Person:
        person = await _person(request, bearer)
        if person.roles.isdisjoint(roles):
            needed = " or ".join(roles)
            raise Problem(
                HTTPStatus.FORBIDDEN, "role-missing", f"{person.name} may not do this; it needs the role {needed}"
            )
        return person

    return signed_in


def sender(*others: str) -> Callable[..., Awaitable[Person]]:
    """A dependency that returns the signed-in sender, or a person who has one of the other roles.

    A sender must be bound to the events that it may send.
    """

    async def signed_in(person: Annotated[Person, Depends(may(INGEST, *others))]) -> Person:
        if person.binding is None and person.roles.isdisjoint(others):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "sender-not-bound",
                f"{person.name} is bound to no sources and types, so it may send nothing",
                field="source",
                fix=f"an administrator runs `millwright people roles {person.name} --role ingest --source … --type …`",
            )
        return person

    return signed_in


def not_its_own(person: Person, field: str, why: str) -> Problem:
    """The refusal of an event that a sender may not send; see `Binding.refusal`."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        "not-this-sender",
        f"{person.name}: {why}",
        field=field,
        fix="send it with the key of its own sender, or let an administrator bind this one to it",
    )


def named(*roles: str) -> Callable[..., Awaitable[Person]]:
    """Like `may`, for acts that need a signed-in person: a caller in local mode is refused."""

    async def signed_in(person: Annotated[Person, Depends(may(*roles))]) -> Person:
        if person is LOCAL:
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "not-named",
                "this needs a signed-in person",
                fix=f"sign in with the API key of a person who has the role {' or '.join(roles)}",
            )
        return person

    return signed_in


async def sign_in(request: Request) -> None:
    """Signs the caller in, before the body of the request is read.

    Raises:
        Problem: 401 if nobody has the key; 429 if too many sign-ins were refused.
        StorageUnavailable: storage does not answer.
    """
    request.scope[_PERSON] = await _person(request, await _bearer(request))


def address_of(request: Request) -> str:
    """The address by which refusals are counted."""
    return request.client.host if request.client is not None else "an unknown address"


async def _person(request: Request, bearer: HTTPAuthorizationCredentials | None) -> Person:
    """The person whose key or token the request has. Nothing else of a request says who sends it: neither an address
    nor any other header."""
    known: Person | None = request.scope.get(_PERSON)
    if known is not None:
        return known
    if bearer is None:
        raise _unknown("sign in with an API key")
    deps = request.app.state.deps
    if _is_local_token(deps.local_token_hash, bearer.credentials):
        return LOCAL
    keys: KeyRing = deps.keys
    refusals: Refusals = deps.refusals
    address = address_of(request)
    locked_out = refusals.locked_out(address)
    person = await keys.person(bearer.credentials, look_again=locked_out is None)
    if person is None:
        refusals.add(address)
        if locked_out is not None:
            raise _locked_out(locked_out)
        raise _unknown("nobody has this API key")
    return person


def _is_local_token(expected: str | None, token: str) -> bool:
    return expected is not None and hmac.compare_digest(expected, api_key_hash(token))


def _locked_out(seconds: int) -> Problem:
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "locked-out",
        "nobody has this API key, and too many sign-ins were refused",
        fix=f"wait {seconds} s, and send a valid API key",
        headers={"Retry-After": str(seconds)},
    )


def _unknown(detail: str) -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "not-signed-in",
        detail,
        fix=(
            "send `Authorization: Bearer <API key>`; `millwright people enrol` makes a key. On the API's machine, with "
            "MILLWRIGHT_LOCAL_MODE=true, you may send the header in `api.header` of its home instead"
        ),
        headers={"WWW-Authenticate": "Bearer"},
    )
