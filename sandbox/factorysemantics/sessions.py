"""Who is signed in. A token is valid for twelve hours of the server's time."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sandbox.factorysemantics.errors import Problem, bad_input, sign_in_required
from sandbox.factorysemantics.records import Account
from sandbox.factorysemantics.store import ROLES

_VALID: Final = timedelta(hours=12)
_BEARER: Final = "Bearer "


class Sessions:
    """The accounts and their tokens."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = {account.code: account for account in accounts}
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def account(self, code: str) -> Account:
        """An account by its code."""
        return self._accounts[code]

    def sign_in(self, code: str, password: str, now: datetime) -> tuple[Account, str]:
        """An account with a new token.

        Raises:
            Problem: there is none of that code and password.
        """
        account = self._accounts.get(code.upper())
        if account is None or account.password != password:
            raise bad_input("invalid credentials")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (account.code, now + _VALID)
        return account, token

    def signed_in(self, authorization: str, now: datetime) -> Account:
        """The account of a token.

        Raises:
            Problem: there is no token, or it is not valid any more.
        """
        code, until = self._tokens.get(authorization.removeprefix(_BEARER).strip(), ("", now))
        if not authorization.startswith(_BEARER) or not code or until < now:
            raise sign_in_required()
        return self._accounts[code]

    def expire(self, authorization: str) -> None:
        """Ends the session of a token."""
        self._tokens.pop(authorization.removeprefix(_BEARER).strip(), None)


def check(account: Account, capability: str) -> None:
    """Refuses what the role of an account does not grant.

    Raises:
        Problem: it does not.
    """
    if capability not in ROLES[account.role]:
        words = f"this action needs the {capability!r} capability, which the {account.role!r} role does not grant"
        raise Problem(403, words)
