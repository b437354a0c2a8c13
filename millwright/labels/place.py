"""Where a training dataset stands: a folder, or a container of Azure Blob Storage."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import fsspec
from pydantic import ValidationError

from connectors.azure.blob_storage import SCHEMES, blob_faults, open_container
from domain.canonical import sha256
from domain.errors import ActRejected
from millwright.labels.manifest import FORMAT, DatasetManifest

MANIFESTS = "manifests"


class Place(ABC):
    """A dataset. The manifest with the highest number is in force.

    Args:
        files: the file system.
        root: the folder of the dataset in it.
    """

    def __init__(self, files: Any, root: str) -> None:
        self._files = files
        self._root = root.rstrip("/")

    def path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def numbers(self) -> list[int]:
        """The numbers of the manifests, in order."""
        names = [name.removeprefix(f"{MANIFESTS}/") for name in self.names() if name.startswith(f"{MANIFESTS}/")]
        return sorted(int(name.removesuffix(".json")) for name in names if name.removesuffix(".json").isdecimal())

    def names(self) -> list[str]:
        """Every file below the folder."""
        with self._told():
            self._files.invalidate_cache()
            if not self._files.exists(self._root):
                return []
            found = self._files.find(self._root)
        return sorted(name.removeprefix(f"{self._root}/") for name in found)

    def manifest(self, number: int) -> tuple[DatasetManifest, str]:
        """A manifest, and the SHA-256 of its file.

        Raises:
            ActRejected: it is missing, cannot be read, or is of another format.
        """
        name = manifest_name(number)
        with self._told():
            content: bytes = self._files.cat_file(self.path(name))
        try:
            manifest = DatasetManifest.model_validate_json(content)
        except ValidationError as error:
            raise ActRejected(
                f"{name} cannot be read as a manifest of {FORMAT}: {error.errors()[0]['msg']}",
                field="dataset",
                fix="name the folder of a dataset that `labels export` of this build wrote",
            ) from error
        return manifest, sha256(content)

    @contextmanager
    def opened(self, name: str) -> Iterator[BufferedReader]:
        """A file, to be read."""
        with self._told(), self._files.open(self.path(name), "rb") as file:
            yield cast("BufferedReader", file)

    @abstractmethod
    def _told(self) -> AbstractContextManager[None]:
        """Translates what the file system raises within a block."""

    @abstractmethod
    def put(self, local: Path, name: str) -> None:
        """Stores a local file under a name, all of it or nothing.

        Raises:
            ActRejected: it cannot be written.
            ConnectorError: Azure did not store it.
        """

    @abstractmethod
    def publish(self, number: int, content: bytes) -> None:
        """Stores a manifest, all of it or nothing, and only if there is none of this number.

        Raises:
            ActRejected: there is one, or it cannot be written.
        """


class Folder(Place):
    """A dataset on disk. What is written is on the disk before the manifest that names it."""

    def put(self, local: Path, name: str) -> None:
        with self._told():
            fresh, final = self._fresh(name)
            self._files.put_file(str(local), str(fresh))
            _settle(fresh)
            fresh.replace(final)
            _settle(final.parent)

    def publish(self, number: int, content: bytes) -> None:
        with self._told():
            fresh, final = self._fresh(manifest_name(number))
            self._files.pipe_file(str(fresh), content)
            _settle(fresh)
            try:
                # A link, unlike a renaming, never replaces the manifest of another export.
                os.link(fresh, final)
            except FileExistsError as error:
                raise _taken(number) from error
            finally:
                fresh.unlink()
            _settle(final.parent)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ActRejected(
                f"the dataset cannot be read or written: {str(error).splitlines()[0]}",
                field="dataset",
                fix="name a folder in which you may read and write",
            ) from error

    def _fresh(self, name: str) -> tuple[Path, Path]:
        final = Path(self.path(name))
        final.parent.mkdir(parents=True, exist_ok=True)
        return final.with_name(f".{final.name}.{os.getpid()}"), final


class BlobContainer(Place):
    """A dataset in Azure Blob Storage: a blob is stored when all of it has arrived."""

    def _told(self) -> AbstractContextManager[None]:
        return blob_faults()

    def put(self, local: Path, name: str) -> None:
        with self._told():
            self._files.put_file(str(local), self.path(name))

    def publish(self, number: int, content: bytes) -> None:
        with self._told():
            try:
                self._files.pipe_file(self.path(manifest_name(number)), content, mode="create")
            except FileExistsError as error:
                raise _taken(number) from error


def manifest_name(number: int) -> str:
    return f"{MANIFESTS}/{number:06d}.json"


def open_place(where: str) -> Place:
    """The place that a person names: a folder, or `abfs://CONTAINER/FOLDER`.

    Raises:
        ActRejected: it is neither.
        ActionRequired: the environment does not say how Azure is reached.
    """
    kind = urlsplit(where).scheme if "://" in where else ""
    if not kind:
        return Folder(fsspec.filesystem("file", skip_instance_cache=True), str(Path(where).absolute()))
    if kind not in SCHEMES:
        raise ActRejected(
            f"{kind}:// is no place for a dataset", field="dataset", fix="name a folder, or abfs://CONTAINER/FOLDER"
        )
    return BlobContainer(*open_container(where))


def _taken(number: int) -> ActRejected:
    return ActRejected(f"another export wrote manifest {number} meanwhile", field="dataset", fix="run the export again")


def _settle(path: Path) -> None:
    """Has the system write a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
