"""People with their own keys, and their acts on policy versions."""

from datetime import datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.approvals import APPROVE, ROLLBACK, SUBMIT, WITHDRAW, withdrawing_meaning
from domain.assigning import EVERYWHERE, AssignedAs, Scope
from domain.canonical import canonical
from domain.clock import Clock
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.drafts import DraftStore, MachineFindings
from millwright.storage.policies.lifecycle import Lifecycle
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.signatures import Signature
from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy, compile_policy
from tests.support.people import add
from tests.support.plant import UNASKED, signature

PEOPLE = {
    "anna": ["author"],
    "bert": ["approver"],
    "carla": ["approver"],
    "dora": ["approver"],
    "emil": ["operator"],
    "fred": ["operator", "approver"],
}


@cache
def candidate(version: str = "1.2.0", author: str = "anna") -> CompiledPolicy:
    """A version of the plant's policy under another number, by one of these people."""
    shipped = Catalogue.published().find("rotating-equipment", "1.1.0")
    text = (shipped.text + UNASKED).replace("version: 1.1.0", f"version: {version}")
    text = text.replace(f"author: {shipped.document.author}", f"author: {author}")
    return compile_policy(text, f"{version}.yaml")


class PolicyPeople:
    """The people who write, approve and operate policies.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self.clock = clock
        self.people = PeopleStore(engine)
        self.drafts = DraftStore(engine, clock)
        self.lifecycle = Lifecycle(engine, clock)
        self.keys = {name: Ed25519PrivateKey.generate() for name in PEOPLE}

    async def arrive(self) -> None:
        """Adds everybody."""
        for name, roles in PEOPLE.items():
            await add(self.people, name, roles, self.clock.now(), key=self.keys[name])

    def sign(
        self, person: str, digest: str, act: str, meaning: str | None = None, at: datetime | None = None
    ) -> Signature:
        """A person's signature."""
        return signature(self.keys[person], person, digest, act, at or self.clock.now(), meaning)

    async def submit(self, policy: CompiledPolicy, *, assets: int | None = 1) -> str:
        """Drafts and submits a version, with a backtest that found so many assets changed by one rung."""
        document = policy.document
        await self.drafts.save(
            policy=document.policy,
            version=document.version,
            digest=policy.digest,
            document=policy.text,
            cases="cases: []",
            author=document.author,
            by=document.author,
            reason="a try",
        )
        draft = await self.drafts.find(document.policy, document.version)
        given = self.sign(document.author, policy.digest, SUBMIT)
        await self.drafts.submit(draft, given, MachineFindings(check="{}"))
        if assets is not None:
            await self.backtest(policy.digest, assets)
        return policy.digest

    async def backtest(self, digest: str, assets: int, rungs: int = 1, unattended: int = 0) -> None:
        """Stores the result of a backtest."""
        changed = {"assets": assets, "max_rung_change": rungs, "unattended": unattended}
        body = canonical({"changed": changed}).decode()
        await self.lifecycle.attach(digest, "backtest", passed=True, body=body, by="anna")

    async def approve(self, digest: str, *people: str) -> None:
        """Lets these people approve, one after the other."""
        for person in people or ("bert",):
            await self.lifecycle.approve(digest, self.sign(person, digest, APPROVE))

    async def approved(self, version: str = "1.2.0") -> str:
        """A version that may be assigned."""
        digest = await self.submit(candidate(version))
        await self.approve(digest)
        return digest

    async def place(
        self,
        digest: str,
        act: str = "activate",
        scope: Scope = EVERYWHERE,
        *,
        after: timedelta = timedelta(),
        to: datetime | None = None,
        band: str | None = None,
        person: str = "emil",
        reason: str = "because",
    ) -> int:
        """Assigns a version; gives the assignment's number."""
        terms = Placing(act, (scope,), self.clock.now() + after, reason, to, band)
        placed = await self.lifecycle.place(digest, terms, self.sign(person, digest, act, terms.meaning))
        [number] = placed.assignments
        return number

    async def rollback(
        self, digest: str, to: str, person: str = "emil", reason: str = "worse", *, asks_for_no_more: bool = False
    ) -> list[int]:
        """Replaces a version by an older one."""
        terms = await self.lifecycle.rollback_terms(digest, to, reason, self.clock.now())
        given = self.sign(person, to, ROLLBACK, terms.meaning)
        rolled = await self.lifecycle.rollback(digest, to, reason, given, asks_for_no_more=asks_for_no_more)
        return rolled.assignments

    async def withdraw(self, digest: str, role: AssignedAs | None = None, person: str = "emil") -> int:
        """Withdraws a version, or ends its canaries or shadows."""
        meaning = withdrawing_meaning(role, "no good")
        return await self.lifecycle.withdraw(digest, role, "no good", self.sign(person, digest, WITHDRAW, meaning))
