"""The acts of the `people` commands: each is signed with the caller's own key, and sent to the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import typer

from domain.people import PersonAct
from domain.shown_signatures import ShownSignature
from millwright.cli.api_client import Answer, Api, api_of
from millwright.cli.credentials import Signer, signer


class WaitingAct(Answer):
    """An act that waits for a second administrator, and its signature."""

    text: str
    signed: ShownSignature


class PersonSigning:
    """An administrator, or a person who acts on themselves, with the key that signs."""

    def __init__(self, api: Api, signer: Signer) -> None:
        self._api = api
        self._signer = signer

    def waiting(self, person: str) -> WaitingAct:
        """What waits for a second administrator."""
        return self._api.read(("people", person, "waiting"), WaitingAct)

    def sign(
        self,
        act: str,
        person: str,
        path: tuple[str, ...],
        unsigned: dict[str, object] | None = None,
        *,
        roles: tuple[str, ...] | None = None,
        sources: tuple[str, ...] | None = None,
        types: tuple[str, ...] | None = None,
        name_digest: str | None = None,
        verified_by: str | None = None,
        code_hash: str | None = None,
        valid_for: timedelta | None = None,
        confirms: str | None = None,
    ) -> dict[str, Any]:
        """Signs an act on a person, and sends it. Raises the errors of `Api.act`.

        Args:
            path: the route below `/people`.
            unsigned: fields of the request that are signed in another form.
        """
        at = self._signer.at
        signed = PersonAct(
            act=act,
            person=person,
            by=self._signer.name,
            at=at,
            roles=roles,
            sources=sources,
            types=types,
            name_digest=name_digest,
            verified_by=verified_by,
            code_hash=code_hash,
            valid_for=valid_for,
            confirms=confirms,
        )
        terms = {
            "roles": roles,
            "sources": sources,
            "types": types,
            "verified_by": verified_by,
            "code_hash": code_hash,
            "valid_for": valid_for,
            "confirms": confirms,
        }
        given = {name: value for name, value in terms.items() if value is not None}
        signature = self._signer.key.sign(signed.text.encode()).hex()
        body = {**(unsigned or {}), **given, "at": at, "signature": signature}
        return self._api.act(("people", *path), dict[str, Any], body)


@contextmanager
def signing(context: typer.Context, key: str | None, file: Path | None) -> Iterator[PersonSigning]:
    """Who signs acts on persons, and the API that takes them. Raises the errors of `api_of` and of `signer`."""
    with api_of(context, key) as api:
        yield PersonSigning(api, signer(context, api, file))
