"""The sign-in: tokens that end, and the rate limit of each user."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sandbox.atlas.errors import Problem
from sandbox.atlas.store import User

_SCHEME: Final = "Bearer "
_MINUTE: Final = 60.0


class Sessions:
    """Gives tokens, and knows those that count.

    Args:
        now: plant time.
        lasts: how long a token counts.
        rotating: whether there are refresh tokens; each can be used once.
    """

    def __init__(self, now: Callable[[], datetime], lasts: timedelta, *, rotating: bool) -> None:
        self._now = now
        self._lasts = lasts
        self._rotating = rotating
        self._users: dict[str, tuple[User, datetime]] = {}
        self._refresh: dict[str, User] = {}
        self.given = 0

    def sign_in(self, users: Mapping[int, User], body: Mapping[str, object]) -> dict[str, object]:
        """The answer to an email and a password.

        Raises:
            Problem: no user has both.
        """
        found = [
            user
            for user in users.values()
            if (user.email, user.password) == (body.get("email"), body.get("password")) and body.get("type") == "CLIENT"
        ]
        if not found:
            raise Problem(403, "Invalid credentials")
        return self._give(found[0])

    def refresh(self, token: object) -> dict[str, object]:
        """The answer to a refresh token, which does not count any more after it."""
        user = self._refresh.pop(str(token), None)
        if user is None:
            raise Problem(403, "Invalid refresh token")
        return self._give(user)

    def user(self, authorization: str) -> User:
        """Whose token it is.

        Raises:
            Problem: it is missing, wrong or expired. The answer then has no body.
        """
        token = authorization.removeprefix(_SCHEME) if authorization.startswith(_SCHEME) else ""
        user, until = self._users.get(token, (None, None))
        if user is None or until is None or until <= self._now():
            raise Problem(403)
        return user

    def expire(self, authorization: str) -> None:
        """Lets a token end now."""
        self._users.pop(authorization.removeprefix(_SCHEME), None)

    def _give(self, user: User) -> dict[str, object]:
        token, until = secrets.token_urlsafe(32), self._now() + self._lasts
        self._users[token] = (user, until)
        self.given += 1
        if not self._rotating:
            return {"accessToken": token}
        refresh = secrets.token_urlsafe(32)
        self._refresh[refresh] = user
        expires = until.isoformat(timespec="milliseconds")
        return {"accessToken": token, "refreshToken": refresh, "tokenType": "Bearer", "expiresAt": expires}


class RateLimit:
    """How many requests a user may make in a minute of wall time.

    Args:
        per_minute: None for no limit.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._most = per_minute
        self._asked: defaultdict[int, deque[float]] = defaultdict(deque)

    def exceeded(self, user: User) -> bool:
        """Counts a request; whether it is one too many."""
        if self._most is None:
            return False
        asked, now = self._asked[user.id], time.monotonic()
        while asked and asked[0] <= now - _MINUTE:
            asked.popleft()
        if len(asked) >= self._most:
            return True
        asked.append(now)
        return False
