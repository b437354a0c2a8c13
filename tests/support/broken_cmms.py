"""Connectors to the small CMMS that each break one promise of the port, for trials that must notice it.

`ReadsDetails` breaks none: others are made of it.
"""

import logging
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from pydantic import SecretStr

from connectors.call import Call
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.work_orders import ChangePage, Touched, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from tests.support.small_cmms import ASSET, Rows, SmallCmms


class ReadsDetails(SmallCmms):
    """Its poll lists the orders, and then reads each alone, as a CMMS with a meagre list requires."""

    async def changed_since(self, cursor: str | None) -> ChangePage:
        page = await super().changed_since(cursor)
        return page.model_copy(update={"records": tuple([await self.detailed(record) for record in page.records])})

    async def detailed(self, record: WorkOrderRecord) -> WorkOrderRecord:
        call = Call("small", "changed-since")
        reply = await self.send(call, "GET", "/details", None, {"key": record.ref.key})
        return self.record(call, self.json.read(call, reply, Rows).root[0])


class MakesTwo(SmallCmms):
    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        other = draft.model_copy(update={"key": draft.key[:-1] + "2"})
        await super().create_work_order(other)
        return await super().create_work_order(draft)

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        found = await super().find_work_orders(OrderQuery(asset_external_id=ASSET))
        return [each for each in found if query.key is None or each.ref.key[:9] == query.key[:9]]


class FindsNothingAfterAnError(SmallCmms):
    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        try:
            return await super().find_work_orders(query)
        except Unavailable:
            return ()


class AsksAgainByItself(SmallCmms):
    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        try:
            return await super().find_work_orders(query)
        except Unavailable:
            return await super().find_work_orders(query)


class TellsItsSecret(SmallCmms):
    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        try:
            return await super().find_work_orders(query)
        except Unavailable:
            raise Call("small", "find").error(Unavailable, f"no answer to {self.token}") from None


class LogsItsSignIn(SmallCmms):
    async def check(self) -> str:
        logging.getLogger(__name__).debug("signing in with %s", b64encode(f"user:{self.token}".encode()).decode())
        return await super().check()


class LogsATraceback(SmallCmms):
    async def check(self) -> str:
        try:
            int(self.token)
        except ValueError:
            logging.getLogger(__name__).exception("the sign-in failed")
        return await super().check()


class MasksNothing(SmallCmms):
    def secrets(self) -> Sequence[SecretStr]:
        return ()


class LeavesOneOut(SmallCmms):
    async def changed_since(self, cursor: str | None) -> ChangePage:
        page = await super().changed_since(cursor)
        return page.model_copy(update={"records": page.records[1:]})


class RemembersItsCheck(SmallCmms):
    said: str | None = None

    async def check(self) -> str:
        self.said = self.said or await super().check()
        return self.said


class SkipsWhatItCannotRead(ReadsDetails):
    unread: type[ConnectorError] = Refused

    async def changed_since(self, cursor: str | None) -> ChangePage:
        page = await SmallCmms.changed_since(self, cursor)
        read = []
        for record in page.records:
            with suppress(self.unread):
                read.append(await self.detailed(record))
        return page.model_copy(update={"records": tuple(read)})


class SkipsWhatFails(SkipsWhatItCannotRead):
    unread = Unavailable


class NeverEndsItsPolls(SmallCmms):
    async def changed_since(self, cursor: str | None) -> ChangePage:
        page = await super().changed_since(None)
        return page.model_copy(update={"cursor": f"{cursor}+"}) if cursor else page


class EndsWhatItDoesNotKnow(SmallCmms):
    def record(self, call: Call, row: dict[str, Any]) -> WorkOrderRecord:
        made = super().record(call, row)
        return made.model_copy(update={"status": WorkOrderStatus.COMPLETED}) if made.status_guessed else made


class TakesOwnWorkForOthers(SmallCmms):
    def record(self, call: Call, row: dict[str, Any]) -> WorkOrderRecord:
        return super().record(call, row).model_copy(update={"touched": Touched.YES})


class SendsNoTitle(SmallCmms):
    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        return await super().create_work_order(draft.model_copy(update={"summary": "Work"}))


class AddsEachNoteAgain(SmallCmms):
    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        body = {"key": note_key, "text": text}
        await self.send(Call("small", "add-note", ref.key), "POST", f"/orders/{ref.id}/notes", body)


class ForgetsToSignIn(SmallCmms):
    async def check(self) -> str:
        return "Small CMMS at small.example answers"


class Breaks(SmallCmms):
    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        raise KeyError("wonum")


class WithdrawsNothing(SmallCmms):
    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        raise Call("small", "withdraw", ref.key).error(ActionRequired, "our user may not cancel")


class BreaksWhereItWithdraws(SmallCmms):
    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        raise KeyError("status")


class BreaksWhereItSearches(BreaksWhereItWithdraws):
    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        made = await super().create_work_order(draft)
        if draft.released:
            raise KeyError("made")
        return made

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        raise KeyError("rows")


class SaysNothingOfAWithdrawal(SmallCmms):
    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return cast(WorkOrderRecord, None)
