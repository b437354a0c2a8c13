"""A training dataset in Azure Blob Storage, as Azurite stores it, by fsspec and adlfs."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from azure.storage.blob import BlobServiceClient

from domain.errors import ActionRequired, ActRejected, ConnectorError
from domain.outcomes import OutcomeClass
from millwright.labels.comparing import compare
from millwright.labels.exporting import export
from millwright.labels.manifest import DatasetManifest
from millwright.labels.place import open_place
from millwright.labels.verifying import verify
from tests.contract.foreign.azurite import running_azurite
from tests.support.training_record import BEGIN, LedgerRow, MemoryRecord, a_label, a_window

pytestmark = pytest.mark.foreign

HOUR = timedelta(hours=1)
CONTAINER = "labels"
SETTINGS = ("CONNECTION_STRING", "ACCOUNT_NAME", "ACCOUNT_KEY", "SAS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "TENANT_ID")
ROWS = (
    LedgerRow(HOUR, labels=(a_label("MWA"), a_label("MWB")), spans=(a_window(1),)),
    LedgerRow(24 * HOUR, labels=(a_label("MWA", revision=2, outcome=OutcomeClass.PREVENTED),)),
)


@pytest.fixture(scope="module")
def connection_string() -> Iterator[str]:
    with running_azurite() as found:
        with BlobServiceClient.from_connection_string(found) as service:
            service.create_container(CONTAINER)
        yield found


@pytest.fixture
def folder(connection_string: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of its own in the container, with the account in the environment."""
    for name in SETTINGS:
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection_string)
    return f"abfs://{CONTAINER}/{request.node.name}"


def exported(folder: str, rows: int) -> DatasetManifest | None:
    record = MemoryRecord(*ROWS[:rows])
    return asyncio.run(export(open_place(folder), record, None, BEGIN, "millwright test"))


def blobs(connection_string: str, folder: str) -> dict[str, bytes]:
    prefix = folder.removeprefix(f"abfs://{CONTAINER}/")
    with BlobServiceClient.from_connection_string(connection_string).get_container_client(CONTAINER) as container:
        names = [blob.name for blob in container.list_blobs(prefix) if blob.size]
        return {name: container.download_blob(name).readall() for name in names}


def test_a_dataset_is_exported_continued_verified_and_compared(folder: str, connection_string: str) -> None:
    exported(folder, 1)
    before = blobs(connection_string, folder)
    exported(folder, 2)
    after = blobs(connection_string, folder)
    assert {name: after[name] for name in before} == before
    found = verify(open_place(folder))
    assert (found.number, found.findings, found.left_over) == (2, [], [])
    assert (found.rows["labels"], found.in_force["labels"]) == (3, 2)
    assert compare(open_place(folder), None, None).moved == {"confirmed": (2, 1), "prevented": (0, 1)}


def test_of_two_exports_at_once_the_second_is_refused_and_the_first_stands(folder: str) -> None:
    exported(folder, 1)
    with pytest.raises(ActRejected, match="another export wrote manifest 1"):
        open_place(folder).publish(1, b"other")
    assert verify(open_place(folder)).findings == []


def test_a_blob_that_was_changed_or_removed_is_named(folder: str, connection_string: str) -> None:
    known = exported(folder, 1)
    assert known is not None
    prefix = folder.removeprefix(f"abfs://{CONTAINER}/")
    [labels] = known.tables["labels"].files
    [windows] = known.tables["healthy_windows"].files
    with BlobServiceClient.from_connection_string(connection_string).get_container_client(CONTAINER) as container:
        container.upload_blob(f"{prefix}/{labels.path}", b"other", overwrite=True)
        container.delete_blob(f"{prefix}/{windows.path}")
    findings = verify(open_place(folder)).findings
    assert [finding.partition(":")[0] for finding in findings] == [labels.path, windows.path]


def test_an_empty_folder_has_no_dataset(folder: str) -> None:
    with pytest.raises(ActRejected, match="there is no dataset"):
        verify(open_place(folder))


def test_a_container_that_is_missing_needs_a_person(folder: str) -> None:
    with pytest.raises(ActionRequired):
        exported(folder.replace(CONTAINER, "nowhere", 1), 1)


def test_a_key_that_is_wrong_needs_a_person_and_is_in_no_message(
    folder: str, connection_string: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection_string.replace("dGVzdHM=", "b3RoZXJz"))
    with pytest.raises(ConnectorError) as caught:
        exported(folder, 1)
    assert isinstance(caught.value, ActionRequired)
    assert "b3RoZXJz" not in str(caught.value)
