"""Checks what verdicts were told of their assets, from the earlier acts on the register. Uses only standard Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from millwright.audit.offline_following import FollowedActs, wrong_context
from millwright.audit.offline_signatures import UNREADABLE, OfflineFinding, Row

FOLLOWED_REGISTER = ("asset-recorded", "asset-retired", "observable-recorded", "register-held")
"""The kinds of the acts that decide what a verdict is told of its asset."""


class _ToldOfAsset(NamedTuple):
    """What a verdict is told of its asset; the names are those of a context."""

    asset_class: str
    criticality: str | None
    machine: str
    line: str
    codes: int


class AssetsThen(FollowedActs):
    """Follows the acts on the register, and checks whether a verdict was told what they say of its asset.

    A register of an earlier build is known from the act `register-held` on. A transaction that judges may have read the
    register just before another one changed it, and is recorded after it. There is one such transaction for a line at
    most, so the first ledger row with verdicts on an asset after a change of it may tell what was before.
    """

    def __init__(self, acts: Iterable[tuple[int, Row]] = ()) -> None:
        super().__init__(acts)
        self._held = False
        self._assets: dict[str, Row] = {}
        self._seen: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._codes: dict[str, int] = {}
        self._former: dict[str, tuple[int | None, list[_ToldOfAsset | None]]] = {}
        """Of assets that changed since their last verdict: the ledger row that may tell of before, once it is there,
        and what was told before. While the register is not known, what the last verdict was told."""

    def follow(self, act: Row) -> None:
        try:
            self._note(act)
        except UNREADABLE:
            return

    def present(self, asset: str, seq: int) -> bool:
        """Whether the register may have had an asset for a transaction with this ledger row; true where the register is
        not known."""
        return not self._held or any(told is not None for told in self._possible(asset, seq))

    def told(self, asset: str) -> Row | None:
        """What a verdict on an asset is told now; None if the register is not known, or has no such asset."""
        now = self._now(asset) if self._held else None
        return None if now is None else {"asset": asset, **now._asdict()}

    def fault(self, asset: str, context: Row, seq: int) -> str | None:
        """What is wrong with the context of a verdict, None if nothing.

        Args:
            asset: the asset of the verdict.
            context: what the verdict was told.
            seq: its ledger row.
        """
        if context["asset"] != asset:
            return f"it was told of {context['asset']}, and judged {asset}"
        told = _ToldOfAsset(*(context[name] for name in _ToldOfAsset._fields))
        if not self._held:
            self._former[asset] = (None, [told])
            return None
        possible = self._possible(asset, seq)
        if told in possible:
            return None
        now = possible[0]
        if now is None:
            return f"{asset} was not in the register then"
        differing = [name for name in _ToldOfAsset._fields if getattr(told, name) != getattr(now, name)]
        words = ", ".join(f"{name} {getattr(told, name)} for {getattr(now, name)}" for name in differing)
        return f"what it was told of {asset} is not what the register said then: {words}"

    def findings(self, row: Row, contexts: Mapping[str, Row | None]) -> Iterator[OfflineFinding]:
        """What is wrong with what the next verdict of the ledger was told of its asset.

        Args:
            row: the verdict.
            contexts: the contexts by their digests; None for one that cannot be read, which is reported elsewhere.
        """
        self.until(row["seq"])
        context = contexts.get(json.loads(row["body"])["context"])
        yield from wrong_context(row, None if context is None else self.fault(row["asset"], context, row["seq"]))

    def _note(self, act: Row) -> None:
        kind, detail = act["kind"], act["detail"]
        if kind == "register-held":
            self._held = True
        elif kind == "asset-recorded":
            asset = detail["id"]
            self._change(asset)
            if detail["valid_to"] is None:
                self._assets[asset] = detail
            elif self._assets.get(asset, {}).get("valid_from") == detail["valid_from"]:
                del self._assets[asset]
        elif kind == "asset-retired":
            asset = act["subject"].split("/", 1)[1]
            self._change(asset)
            self._assets.pop(asset, None)
        elif kind == "observable-recorded":
            key = (detail["machine"], detail["kind"], detail["name"])
            before = self._seen.get(key)
            self._seen[key] = (detail["asset"], detail["kind"])
            for place, step in ((before, -1), (self._seen[key], 1)):
                if place is not None and place[1] == "code":
                    self._change(place[0])
                    self._codes[place[0]] = self._codes.get(place[0], 0) + step

    def _change(self, asset: str) -> None:
        """Keeps what is told of an asset before a change."""
        if self._held:
            row, former = self._former.get(asset, (None, []))
            # After the row that may tell of before, only the present is left of it.
            self._former[asset] = (None, [self._now(asset)] if row is not None else [*former, self._now(asset)])

    def _now(self, asset: str) -> _ToldOfAsset | None:
        row = self._assets.get(asset)
        if row is None:
            return None
        return _ToldOfAsset(
            row["asset_class"] or "",
            row["criticality"],
            row["machine"] or asset,
            row["line"] or "",
            self._codes.get(asset, 0),
        )

    def _possible(self, asset: str, seq: int) -> list[_ToldOfAsset | None]:
        """What may be told of an asset in a ledger row, the present first."""
        row, former = self._former.get(asset, (seq, []))
        if row is None:
            self._former[asset] = (seq, former)
        elif row != seq:
            self._former.pop(asset, None)
            former = []
        return [self._now(asset), *former]


def asset_context(body: str) -> Row | None:
    """The context in its text; None if that cannot be read."""
    try:
        context: Row = json.loads(body)
        return context if isinstance(context, dict) else None
    except ValueError:
        return None
