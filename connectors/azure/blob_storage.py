"""A container of Azure Blob Storage as a file system, and what its faults mean.

The account and the credential are in the environment, as adlfs reads them: AZURE_STORAGE_CONNECTION_STRING, or
AZURE_STORAGE_ACCOUNT_NAME, with azure-identity's default credential chain if neither a key nor a token is there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from connectors.library_errors import PLAIN_ERRORS
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

SYSTEM: Final = "blob_storage"
SCHEMES: Final = ("abfs", "abfss", "az")
_OPERATION: Final = "reach-dataset"
_QUOTED: Final = 300
_OF_A_PERSON: Final = (401, 403, 404)
_LATER: Final = (408, 429)


def open_container(address: str) -> tuple[Any, str]:
    """The file system of a container, and the folder in it that an address names.

    Raises:
        ActionRequired: the environment does not say which account it is, or its settings are malformed.
    """
    import fsspec

    try:
        files, folder = fsspec.core.url_to_fs(address, skip_instance_cache=True)
    except (ValueError, AzureError) as error:
        raise ActionRequired(
            "no storage account can be opened with the environment's settings: set AZURE_STORAGE_CONNECTION_STRING, or "
            "AZURE_STORAGE_ACCOUNT_NAME",
            system=SYSTEM,
            operation=_OPERATION,
        ) from error
    return files, folder


@contextmanager
def blob_faults() -> Iterator[None]:
    """Translates what the client raises within the block. Our own errors pass.

    Raises:
        ActionRequired: the credentials lack a right, or the container or a blob is missing.
        Unavailable: Azure does not answer, or asks us to slow down.
        Refused: Azure does not accept the request, or its answer cannot be read.
    """
    try:
        yield
    except (AzureError, *PLAIN_ERRORS) as error:
        raise _meaning(error)(_words(error), system=SYSTEM, operation=_OPERATION) from error


def _meaning(error: Exception) -> type[ConnectorError]:
    if isinstance(error, (ClientAuthenticationError, FileNotFoundError, PermissionError)):
        return ActionRequired
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status in _OF_A_PERSON:
        return ActionRequired
    if status is not None and status < 500 and status not in _LATER:
        return Refused
    return Unavailable if status is not None or isinstance(error, (AzureError, OSError)) else Refused


def _words(error: Exception) -> str:
    # Further lines repeat the request, with what was signed of it.
    lines = str(error).splitlines()
    return lines[0][:_QUOTED] if lines else type(error).__name__
