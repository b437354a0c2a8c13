"""The writing requests: create, sync, update, actions and bulk, each in one journalled transaction."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from sandbox.maximo.assets import Assets
from sandbox.maximo.bulk import Item, items_of, perform_bulk
from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Json, Mbo, key_of_rest_id
from sandbox.maximo.operations import CHANGE_STATUS
from sandbox.maximo.requests import Call
from sandbox.maximo.store import Store, Transaction
from sandbox.maximo.structures import ASSET, WORK_ORDER, ObjectStructure
from sandbox.maximo.work_orders import WorkOrders, unknown_record, unknown_work_order


class Writes:
    """Does what a writing request asks, once per `transactionid`."""

    def __init__(self, store: Store, work_orders: WorkOrders, assets: Assets) -> None:
        self._store = store
        self._work_orders = work_orders
        self._assets = assets

    def create_or_sync(self, call: Call, structure: ObjectStructure, body: Mapping[str, Json]) -> tuple[Mbo, bool]:
        """A new record, or with `SYNC` the one of that primary key changed; whether it is new."""
        self._store.check_new(call.transaction_id)
        with self._store.transaction() as transaction:
            transaction.remember(call.transaction_id)
            if call.override == "SYNC":
                return self._sync(transaction, call, structure, body, merge=call.merge)
            return self._create(transaction, call, structure, body), True

    def update(self, call: Call, structure: ObjectStructure, mbo: Mbo, body: Mapping[str, Json]) -> Mbo:
        """The record changed by a payload."""
        self._store.check_new(call.transaction_id)
        with self._store.transaction() as transaction:
            transaction.remember(call.transaction_id)
            return self._update(transaction, call, structure, mbo, body, merge=call.merge)

    def act(self, call: Call, structure: ObjectStructure, mbo: Mbo, action: str, params: Mapping[str, Json]) -> Mbo:
        """The record after a web method; changeStatus of a work order is the one there is."""
        self._store.check_new(call.transaction_id)
        with self._store.transaction() as transaction:
            transaction.remember(call.transaction_id)
            return self._act(transaction, call, structure, mbo, action, params)

    def bulk(self, call: Call, structure: ObjectStructure, body: Json) -> list[Item]:
        """Every item's answer; an action in the query is done to each, else `_action` says what."""
        action = call.params.get("action")

        def perform(transaction: Transaction, item: Item) -> Item:
            if action is not None:
                mbo = self._addressed(transaction, structure, item)
                self._act(transaction, call, structure, mbo, action, item)
                return _fate("204")
            return self._bulk_item(transaction, call, structure, item)

        def error_body(error: MaximoError) -> Item:
            return error.body(call.base, lean=True, batch=call.batch_errors)

        return perform_bulk(
            self._store,
            items_of(body),
            perform,
            error_body,
            transaction_id=call.transaction_id,
            all_or_nothing=call.request.headers.get("allornothing") == "1",
        )

    def _bulk_item(self, transaction: Transaction, call: Call, structure: ObjectStructure, item: Item) -> Item:
        asked = item.get("_action")
        if asked == "Add":
            return _fate("201", call.href(structure, self._create(transaction, call, structure, item)))
        if asked == "AddChange":
            mbo, created = self._sync(transaction, call, structure, item, merge=False)
            return _fate("201", call.href(structure, mbo)) if created else _fate("204")
        if asked == "Update":
            mbo = self._addressed(transaction, structure, item)
            self._update(transaction, call, structure, mbo, item, merge=call.merge)
            return _fate("204")
        if asked == "Delete" and structure is WORK_ORDER:
            self._work_orders.delete(transaction, self._addressed(transaction, structure, item))
            return _fate("200")
        raise MaximoError(UNSTATED, f"{asked} is not an action on {structure.name}.", attribute="_action")

    def _create(
        self, transaction: Transaction, call: Call, structure: ObjectStructure, body: Mapping[str, Json]
    ) -> Mbo:
        if structure is not WORK_ORDER:
            raise MaximoError(UNSTATED, f"Nothing is created in {structure.name}.")
        return self._work_orders.create(transaction, body, call.user)

    def _sync(
        self,
        transaction: Transaction,
        call: Call,
        structure: ObjectStructure,
        body: Mapping[str, Json],
        *,
        merge: bool,
    ) -> tuple[Mbo, bool]:
        key = "/".join(str(body.get(name, "")).upper() for name in structure.root.keys)
        current = transaction.get(structure.root.name, key)
        if current is None:
            return self._create(transaction, call, structure, body), True
        return self._update(transaction, call, structure, current, body, merge=merge), False

    def _update(
        self,
        transaction: Transaction,
        call: Call,
        structure: ObjectStructure,
        mbo: Mbo,
        body: Mapping[str, Json],
        *,
        merge: bool,
    ) -> Mbo:
        if structure is WORK_ORDER:
            return self._work_orders.update(transaction, mbo, body, call.user, merge=merge)
        if structure is ASSET:
            return self._assets.update(transaction, mbo, body, merge=merge)
        raise MaximoError(UNSTATED, f"{structure.name} is read-only.")

    def _act(
        self,
        transaction: Transaction,
        call: Call,
        structure: ObjectStructure,
        mbo: Mbo,
        action: str,
        params: Mapping[str, Json],
    ) -> Mbo:
        if structure is not WORK_ORDER or action != CHANGE_STATUS:
            raise MaximoError(UNSTATED, f"{action} is not an action of {structure.name}.")
        return self._work_orders.change_status(transaction, mbo, params, call.user)

    def _addressed(self, transaction: Transaction, structure: ObjectStructure, item: Item) -> Mbo:
        token = urlsplit(str(item.get("href", ""))).path.rsplit("/", 1)[-1]
        mbo = transaction.get(structure.root.name, key_of_rest_id(token) or "")
        if mbo is None:
            raise unknown_work_order(token) if structure is WORK_ORDER else unknown_record(structure.name, token)
        return mbo


def _fate(status: str, location: str | None = None) -> Item:
    meta: dict[str, Json] = {"status": status}
    if location is not None:
        meta["Location"] = location
    return {"_responsemeta": meta}
