"""Many records in one request (`x-method-override: BULK`): always answered 200, each item with its own result."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Json
from sandbox.maximo.store import Store, Transaction

Item: TypeAlias = dict[str, Json]
Perform: TypeAlias = Callable[[Transaction, Item], Item]
"""Does one item within a transaction and returns its answer; raises MaximoError where the item is refused."""


def items_of(body: Json) -> list[Item]:
    """The items of a bulk payload; what is not a list of objects is refused as a whole, 400."""
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise MaximoError(UNSTATED, "A bulk payload is a list of objects.")
    return [item for item in body if isinstance(item, dict)]


class _RolledBackError(Exception):
    """Leaves the transaction of an all-or-nothing request without committing it."""


def perform_bulk(
    store: Store,
    items: Sequence[Item],
    perform: Perform,
    error_body: Callable[[MaximoError], Item],
    *,
    transaction_id: str | None,
    all_or_nothing: bool,
) -> list[Item]:
    """Do every item, each in a commit of its own, or all in one that a single refusal undoes.

    Raises:
        MaximoError: 409 where `transaction_id` is remembered already.
    """
    store.check_new(transaction_id)
    if not all_or_nothing:
        return [_alone(store, item, perform, error_body, transaction_id) for item in items]
    answers: list[Item] = []
    refused = False
    with suppress(_RolledBackError), store.transaction() as transaction:
        transaction.remember(transaction_id)
        for item in items:
            try:
                answers.append(perform(transaction, item))
            except MaximoError as error:
                refused = True
                answers.append(_refusal(error, error_body))
        if refused:
            raise _RolledBackError
    if refused:
        return [answer if "_responsedata" in answer else _meta("400") for answer in answers]
    return answers


def _alone(
    store: Store,
    item: Item,
    perform: Perform,
    error_body: Callable[[MaximoError], Item],
    transaction_id: str | None,
) -> Item:
    try:
        with store.transaction() as transaction:
            transaction.remember(transaction_id)
            return perform(transaction, item)
    except MaximoError as error:
        return _refusal(error, error_body)


def _refusal(error: MaximoError, error_body: Callable[[MaximoError], Item]) -> Item:
    return {"_responsedata": error_body(error), **_meta(str(error.status))}


def _meta(status: str) -> Item:
    return {"_responsemeta": {"status": status}}
