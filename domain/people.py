"""Persons: which ids, printed names and roles there may be, and the texts that administrators sign about them."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.canonical import canonical, duration, sha256, timestamp
from domain.errors import ActRejected
from domain.keys import LOCAL_ACTOR

ADMINISTRATOR: Final = "administrator"
ACTING_ROLES: Final = ("author", "approver", "operator", "planner", "production", "quality")
"""Roles whose holders act on policies, cases or holds. No administrator has one of them."""
ROLES: Final = (*ACTING_ROLES, "auditor", "reader", "ingest", ADMINISTRATOR)

OPERATIONS: Final = "operations"
"""The recorded actor of commands that work directly on the database."""
RESERVED: Final = frozenset({LOCAL_ACTOR, OPERATIONS, "millwright", "system", "watch", "worker", "import"})
"""Actors of the record that are no persons."""

CODE_LASTS: Final = timedelta(days=7)
"""How long an enrolment code, and an act that waits for its second administrator, can be used."""

FIRST, ADD, ROLES_ACT, RENEW, END_KEYS = "first", "add", "roles", "renew-keys", "end-keys"
LEAVE, ERASE_NAME, CONFIRM = "leave", "erase-name", "confirm"
KINDS: Final = {
    FIRST: "person-added",
    ADD: "person-added",
    ROLES_ACT: "roles-changed",
    RENEW: "key-renewed",
    END_KEYS: "key-ended",
    LEAVE: "person-left",
    ERASE_NAME: "name-erased",
    CONFIRM: "person-confirmed",
}
"""The kind of the ledger's act for each act on a person."""
ENROLMENT: Final = "millwright enrolment 2"
"""What a person signs to enrol. It shows the code, which is spent by it; that of earlier builds had only its hash."""
ENROLLED: Final = "person-enrolled"
KEY_ROTATED: Final = "key-rotated"

_ID = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
_ENGINE = re.compile(r"[0-9a-f]{12}", re.ASCII)
"""Acts of judging bear the beginning of a version's digest as their actor."""
_LONGEST_NAME = 100
_MOST_VALID = timedelta(days=36525)
# Letters of other scripts that look like Latin ones. A name may be written in one of these scripts as a whole; it is
# compared with the names of others by what it looks like.
_LOOKS_LIKE = str.maketrans(
    dict(zip("авекмнорстухіјѕһԁԛԝьӏ", "abekmhopctyxijshdqwbl", strict=True))
    | dict(zip("αβγεηικνορτυχω", "abyenikvoptuxw", strict=True))
    | {"0": "o", "1": "l", "|": "l", "ı": "i"}
)


@dataclass(frozen=True, slots=True)
class PersonAct:
    """An act on a person, as it is signed. The printed name stands in it by a salted digest, so it can be erased."""

    act: str
    person: str
    by: str
    at: datetime
    roles: tuple[str, ...] | None = None
    name_digest: str | None = None
    verified_by: str | None = None
    code_hash: str | None = None
    valid_for: timedelta | None = None
    confirms: str | None = None
    sources: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The signed text: canonical JSON."""
        told = {
            "statement": "millwright people 1",
            "act": self.act,
            "person": self.person,
            "by": self.by,
            "at": timestamp(self.at),
            "roles": None if self.roles is None else sorted(self.roles),
            "name_digest": self.name_digest,
            "verified_by": self.verified_by,
            "code_hash": self.code_hash,
            "valid_for": None if self.valid_for is None else duration(self.valid_for),
            "confirms": self.confirms,
            # A code that this build gave is used only by who shows it, and a confirmation of this build ends keys that
            # nobody confirmed. In acts of earlier builds neither stands.
            "enrolment": None if self.code_hash is None else ENROLMENT,
            "unconfirmed_keys": "end" if self.act == CONFIRM else None,
            "sources": None if self.sources is None else sorted(self.sources),
            "types": None if self.types is None else sorted(self.types),
        }
        return canonical({name: value for name, value in told.items() if value is not None}).decode()


def enrolment_text(person: str, code: str, public_key: str, api_key_hash: str, at: datetime) -> str:
    """What a person signs with their new key, to prove that they hold it and know the code.

    Args:
        code: the enrolment code itself. Administrators sign only its hash, which whoever reads the database knows.
        api_key_hash: of the API key that they made. A digest of it stands in the text, so the text gives no other one.
    """
    told = {
        "statement": ENROLMENT,
        "person": person,
        "code": code,
        "public_key": public_key,
        "api_key": sha256(api_key_hash.encode()),
        "at": timestamp(at),
    }
    return canonical(told).decode()


def name_digest(printed_name: str, salt: str) -> str:
    """The form of a printed name that the ledger keeps. Without the salt nobody can find the name from it."""
    return sha256(f"{salt}\n{printed_name}".encode())


def check_id(person: str, others: Iterable[str]) -> None:
    """Refuses an id that new persons may not have.

    Args:
        others: the ids of other persons.

    Raises:
        ActRejected: it has other characters, stands for something else in the record, or looks like another id.
    """
    if not _ID.fullmatch(person):
        raise ActRejected(
            f"{person!r} is no id of a person",
            field="person",
            fix="use 1 to 64 of a-z, 0-9, dot, underscore and hyphen; begin and end with a letter or digit",
        )
    if person in RESERVED or _ENGINE.fullmatch(person):
        raise ActRejected(f"{person} stands for no person in the record", field="person", fix="choose another id")
    looks = _looks(person)
    alike = next((other for other in others if other != person and looks == _looks(other)), None)
    if alike is not None:
        raise ActRejected(f"{person} looks like {alike}", field="person", fix="choose another id")


def check_roles(roles: Collection[str]) -> None:
    """Refuses roles that one person may not hold together.

    Raises:
        ActRejected: there is none, one is unknown, or an administrator would act.
    """
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        raise ActRejected(
            f"unknown role {', '.join(unknown) or 'none'}", field="roles", fix=f"there are {', '.join(ROLES)}"
        )
    if ADMINISTRATOR in roles and not set(roles) <= {ADMINISTRATOR, "reader", "auditor"}:
        raise ActRejected(
            "an administrator may not also act on policies, cases or holds, or send events",
            field="roles",
            fix="an administrator may also be reader and auditor",
        )


def needs_second(roles: Iterable[str]) -> bool:
    """Whether two administrators must sign that somebody has these roles, once there are two."""
    return not {ADMINISTRATOR, *ACTING_ROLES}.isdisjoint(roles)


def check_printed_name(name: str, others: Iterable[str]) -> None:
    """Refuses a printed name that cannot be read, or be told from others.

    Args:
        others: the printed names and ids of other persons.

    Raises:
        ActRejected: it has characters that are not printed, mixes scripts, or looks like another one.
    """
    if not 1 <= len(name) <= _LONGEST_NAME or name != name.strip() or unicodedata.normalize("NFC", name) != name:
        raise ActRejected(
            "is no printed name",
            field="name",
            fix=f"write 1 to {_LONGEST_NAME} characters in NFC, without outer spaces",
        )
    if any(letter != " " and unicodedata.category(letter)[0] in "CZ" for letter in name):
        raise ActRejected(
            "has control, formatting or other characters that are not printed", field="name", fix="remove them"
        )
    for word in name.split():
        if len(_scripts(word)) > 1:
            raise ActRejected(
                f"{word!r} mixes letters of several scripts", field="name", fix="use one script in a word"
            )
    looks = _looks(name)
    for other in {*others, *RESERVED}:
        if looks == _looks(other):
            raise ActRejected("looks like another person's name", field="name", fix="add to it what tells them apart")


def check_valid_for(valid_for: timedelta | None) -> None:
    """Refuses keys that never end.

    Raises:
        ActRejected: the time is absent, not positive, or longer than a hundred years.
    """
    if valid_for is None or not timedelta() < valid_for <= _MOST_VALID:
        raise ActRejected("keys must end, within a hundred years", field="valid_for", fix="write a duration, as P365D")


def _scripts(word: str) -> set[str]:
    """The scripts of a word's letters: the first word of a letter's name in Unicode."""
    return {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in word if letter.isalpha()}


def _looks(name: str) -> str:
    """What a name looks like: without case, marks and spaces, and in Latin letters where others look the same."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(letter for letter in folded if letter.isalnum() or letter == "|")
    return plain.translate(_LOOKS_LIKE)
