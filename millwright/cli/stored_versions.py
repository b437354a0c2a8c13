"""A stored policy version as the API knows it."""

import re
from typing import TYPE_CHECKING

from domain.errors import Rejected
from millwright.cli.api_client import Answer

if TYPE_CHECKING:
    from millwright.cli.api_client import Api

_DIGEST = re.compile(r"[0-9a-f]{8,64}")


class SeenVersion(Answer):
    """A version, or a draft."""

    policy: str
    version: str
    digest: str


def stored_version(api: "Api", name: str) -> SeenVersion:
    """The version with this number, POLICY@VERSION or digest. Its digest is what people sign.

    Raises:
        ActRejected: no such version is stored, or several are.
        Rejected: the answer is of another digest than the one that was named.
    """
    found = api.read(("policies", name), SeenVersion)
    named = (found.version, f"{found.policy}@{found.version}")
    if name not in named and not (_DIGEST.fullmatch(name) and found.digest.startswith(name)):
        raise Rejected(f"the API answers with {found.digest}, which is not {name}", field="version")
    return found
