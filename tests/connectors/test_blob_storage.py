"""Whatever the client of Azure Blob Storage raises is one of our three errors."""

import adlfs  # noqa: F401 - its exception classes, and those of the client below it, are walked
import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from connectors.azure.blob_storage import blob_faults, open_container
from domain.errors import ActionRequired, ActRejected, ConnectorError, Refused, Unavailable
from tests.support.library_exceptions import drawn, exceptions_of


def answered(status: int, words: str = "no") -> HttpResponseError:
    error = HttpResponseError(words)
    error.status_code = status
    return error


RAISED = exceptions_of(
    *("azure.core.exceptions", "azure.storage", "adlfs", "fsspec"),
    # Of OData's services, of batches of requests and of queries answered in Avro, which we do not make, and what fsspec
    # raises only to itself.
    without=(
        *("ODataV4Error", "PartialBatchErrorException", "FSSpecCoroutineCancel"),
        *("DataFileException", "AvroException", "Error", "SchemaParseException"),
    ),
)


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_what_the_client_of_blob_storage_raises(kind: type[Exception]) -> None:
    with pytest.raises(ConnectorError), blob_faults():
        raise drawn(kind)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (answered(401), ActionRequired),
        (answered(403), ActionRequired),
        (answered(404), ActionRequired),
        (FileNotFoundError("nothing is there"), ActionRequired),
        (answered(408), Unavailable),
        (answered(429), Unavailable),
        (answered(503), Unavailable),
        (ServiceRequestError("nobody is here"), Unavailable),
        (answered(400), Refused),
        (answered(409), Refused),
        (KeyError("name"), Refused),
    ],
    ids=str,
)
def test_a_fault_is_told_by_its_status(error: Exception, meaning: type[ConnectorError]) -> None:
    with pytest.raises(meaning), blob_faults():
        raise error


def test_only_the_first_line_of_an_answer_is_told_because_others_repeat_what_was_signed() -> None:
    with pytest.raises(ActionRequired) as caught, blob_faults():
        raise answered(403, "Server failed to authenticate the request.\nsignature=swordfish")
    assert "swordfish" not in str(caught.value)


def test_our_own_errors_pass() -> None:
    with pytest.raises(ActRejected), blob_faults():
        raise ActRejected("another export wrote it")


def test_an_account_that_the_environment_does_not_name_needs_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECTION_STRING", "ACCOUNT_NAME", "ACCOUNT_KEY", "SAS_TOKEN"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    with pytest.raises(ActionRequired, match="AZURE_STORAGE_ACCOUNT_NAME"):
        open_container("abfs://labels/plant")
