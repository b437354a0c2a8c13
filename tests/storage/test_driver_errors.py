"""Every exception of SQLAlchemy and of psycopg within a transaction is one of ours, or says that a value is refused."""

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound, SQLAlchemyError, StatementError

from domain.errors import StorageFault, StorageUnavailable
from millwright.storage.database.engine import _OF_THE_VALUES, _told_apart, open_engine
from tests.support.library_exceptions import drawn, exceptions_of

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
OF_THE_DRIVER = [kind for kind in exceptions_of("psycopg") if issubclass(kind, psycopg.Error)]
OF_SQLALCHEMY = [
    kind
    for kind in exceptions_of("sqlalchemy")
    if issubclass(kind, SQLAlchemyError) and not issubclass(kind, StatementError)
]
OF_THE_ROWS = (MultipleResultsFound, NoResultFound)


def name_of(kind: type[Exception]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


async def meaning_of(error: Exception) -> type[BaseException]:
    """The class of what is raised when this is raised within a transaction."""
    with pytest.raises(Exception) as caught:
        async with _told_apart(open_engine(NOWHERE)):
            raise error
    return type(caught.value)


def is_of_a_value(kind: type[Exception]) -> bool:
    """Whether the values that were sent are the cause: the caller has to say which."""
    state = getattr(kind, "sqlstate", None)
    if state is not None:
        return str(state)[:2] in _OF_THE_VALUES
    return issubclass(kind, psycopg.DataError | psycopg.IntegrityError)


def wrapped(kind: type[Exception]) -> DBAPIError:
    """The same as SQLAlchemy raises it."""
    made = DBAPIError.instance("SELECT 1", {}, drawn(kind), psycopg.Error)
    assert isinstance(made, DBAPIError)
    return made


@pytest.mark.parametrize("kind", OF_THE_DRIVER, ids=name_of)
async def test_what_the_driver_raises(kind: type[Exception]) -> None:
    met = {await meaning_of(drawn(kind)), await meaning_of(wrapped(kind))}
    ours = {StorageUnavailable, StorageFault}
    assert (met <= ours) is not is_of_a_value(kind)


@pytest.mark.parametrize("kind", OF_SQLALCHEMY, ids=name_of)
async def test_what_sqlalchemy_raises(kind: type[Exception]) -> None:
    met = await meaning_of(drawn(kind))
    assert (met in (StorageUnavailable, StorageFault)) is not issubclass(kind, OF_THE_ROWS)


async def test_a_value_that_sqlalchemy_refuses_is_told_from_a_fault_of_the_statement() -> None:
    """Judging and intake set the one event aside then; at a fault of the statement every event would wait."""
    assert await meaning_of(StatementError("as drawn", "SELECT 1", {}, OverflowError())) is StatementError


async def test_an_error_of_our_own_code_is_left_as_it_is() -> None:
    assert await meaning_of(KeyError("ours")) is KeyError
