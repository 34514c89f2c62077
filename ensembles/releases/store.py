"""A store: any folder that fsspec can open, holding blobs by their sha256 and manifests by their number."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import fsspec  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from ensembles.errors import ManifestMalformed, ReleaseChanged, ReleaseUnknown, StoreUnavailable
from ensembles.releases.checkout import Content
from ensembles.releases.disk import sync_folder, write_durably
from ensembles.releases.manifest import Manifest
from ensembles.releases.manifest_reader import parse_manifest

DRIVERS = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "oci": "ocifs",
    "ocilake": "ocifs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "hf": "huggingface_hub",
    "sftp": "paramiko",
    "ssh": "paramiko",
}
"""The Python package that opens a kind of store, where fsspec itself does not."""

_READ_ONLY = {"http", "https"}
_WHOLE_OR_NOT_AT_ALL = {"memory", "s3", "s3a", "gs", "gcs", "oci", "ocilake", "az", "abfs", "abfss"}
"""Where an object appears with its last byte. Elsewhere it is written aside and moved."""

_CONNECT_TIMEOUT_S = 15.0
_READ_TIMEOUT_S = 60.0
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BlobFile(NamedTuple):
    """A file below `blobs/`."""

    sha256: str
    """The blob that it is, or was going to be."""
    size_bytes: int


class Store:
    """A store, opened.

    Attributes:
        url: as the user gave it.
    """

    def __init__(self, url: str) -> None:
        """Open a store; nothing is read or written yet.

        Args:
            url: a folder of this machine, or `file://`, `s3://`, `gs://`, `oci://`, `https://` ... with a path.

        Raises:
            StoreUnavailable: the kind of store is unknown, or its driver is not installed.
        """
        self.url = url
        self._protocol = url.split("://", 1)[0] if "://" in url else "file"
        try:
            filesystem, root = fsspec.core.url_to_fs(url, **self._settings())
        except ImportError as error:
            package = DRIVERS.get(self._protocol, str(error))
            raise StoreUnavailable(
                f"{url} needs the Python package {package}, which is not installed: pip install {package}"
            ) from error
        except ValueError as error:
            raise StoreUnavailable(
                f"{url} is no store that can be opened ({error}). Allowed are a folder and URLs of file, http, https, "
                f"{', '.join(sorted(DRIVERS))}."
            ) from error
        self._fs: Any = filesystem
        self._root = root.rstrip("/")

    def manifest(self, number: int) -> Manifest:
        """Read the manifest of a release.

        Raises:
            ReleaseUnknown: the store has no such release.
            ManifestMalformed: what lies there is none.
            StoreUnavailable: the store did not answer.
        """
        text = self.manifest_text(number)
        if text is None:
            known = "none that can be listed"
            with suppress(StoreUnavailable):  # many http servers do not list
                known = ", ".join(map(str, self.numbers())) or known
            raise ReleaseUnknown(f"{self.url} has no release {number}. It has: {known}.")
        manifest = parse_manifest(text, f"{self.url}: releases/{number}.json")
        if manifest.number != number:
            raise ManifestMalformed(f"{self.url}: releases/{number}.json says that it is release {manifest.number}")
        return manifest

    def manifest_text(self, number: int) -> str | None:
        """The text of a manifest; None where there is none."""
        text = self._read_if_there(_manifest_name(number))
        return None if text is None else text.decode(errors="replace")

    def numbers(self) -> list[int]:
        """Numbers of the published releases, ascending; empty where a store cannot be listed, as most http servers."""
        stems = [Path(name).stem for name in self._names_in("releases") if name.endswith(".json")]
        return sorted(int(stem) for stem in stems if stem.isdecimal() and not stem.startswith("0"))

    def blob_files(self) -> dict[str, BlobFile]:
        """Every file below `blobs/` by its name in the store, with what a killed writer left aside."""
        with self._explained("list the blobs"):
            self._fs.invalidate_cache()
            if not self._fs.isdir(self._path("blobs/sha256")):
                return {}
            found = self._fs.find(self._path("blobs/sha256"), detail=True)
        return {
            f"blobs/sha256/{path.rsplit('/', 2)[-2]}/{path.rsplit('/', 1)[-1]}": BlobFile(digits[0], int(entry["size"]))
            for path, entry in found.items()
            if (digits := _SHA256.search(path.rsplit("/", 1)[-1]))
        }

    def blob_size(self, sha256: str) -> int | None:
        """Size of one blob; None where it is not there."""
        with self._explained(f"look for blob {sha256}"):
            self._fs.invalidate_cache()
            try:
                return int(self._fs.info(self._path(blob_name(sha256)))["size"])
            except FileNotFoundError:
                return None

    def read_blob(self, sha256: str, start: int, end: int) -> bytes:
        """Read bytes `start` to `end` of a blob; a server that knows no ranges answers with more.

        Raises:
            FileNotFoundError: it is not there.
            Exception: whatever the driver raises; the caller knows whether to try again.
        """
        data: bytes = self._fs.cat_file(self._path(blob_name(sha256)), start=start, end=end)
        return data

    def write_blob(self, sha256: str, content: Content) -> None:
        """Write one blob, whole or not at all."""
        with self._explained(f"write blob {sha256}"):
            self._write(blob_name(sha256), content)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write a manifest, whole or not at all.

        Raises:
            ReleaseChanged: somebody else published this number meanwhile.
        """
        content = Content("", manifest.to_json().encode())
        with self._explained(f"write release {manifest.number}"):
            if not self._is_local:
                self._write(_manifest_name(manifest.number), content)
                return
            # A hard link fails where the name is taken: of two who publish one number, one wins.
            path = Path(self._path(_manifest_name(manifest.number)))
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.name}.linked.{os.getpid()}")
            write_durably(aside, content.chunks())
            try:
                os.link(aside, path)
            except FileExistsError as error:
                if path.read_bytes() != aside.read_bytes():
                    raise ReleaseChanged(
                        f"release {manifest.number} was published to {self.url} by somebody else meanwhile. "
                        "Make yours the next number: python -m ensembles release new"
                    ) from error
            finally:
                aside.unlink(missing_ok=True)
            sync_folder(path.parent)

    def remove(self, name: str) -> None:
        """Remove a file of the store; it may be gone already."""
        with self._explained(f"remove {name}"):
            try:
                self._fs.rm_file(self._path(name))
            except FileNotFoundError:
                return
            self._fs.invalidate_cache()

    def remove_manifest(self, number: int) -> None:
        """Withdraw a release."""
        self.remove(_manifest_name(number))

    def write_note(self, name: str, entries: Mapping[str, Any]) -> None:
        """Write a small JSON file, whole or not at all."""
        with self._explained(f"write {name}"):
            self._write(name, Content("", json.dumps(entries).encode()))

    def read_notes(self, folder: str) -> dict[str, dict[str, Any]]:
        """The JSON files of a folder by name; those that vanish meanwhile are left out."""
        texts = {name: self._read_if_there(f"{folder}/{name}") for name in self._names_in(folder)}
        return {
            f"{folder}/{name}": json.loads(text)
            for name, text in texts.items()
            if text is not None and name.endswith(".json") and not name.startswith(".")
        }

    def require_writable(self) -> None:
        """Refuse, before any work, a store that is only read.

        Raises:
            StoreUnavailable: it is one.
        """
        if self._protocol in _READ_ONLY:
            raise StoreUnavailable(
                f"{self.url} can only be read: {self._protocol} is for fetching. "
                "Publish to the folder or bucket behind it."
            )

    @property
    def _is_local(self) -> bool:
        return isinstance(self._fs, LocalFileSystem)

    def _settings(self) -> dict[str, Any]:
        if self._protocol not in _READ_ONLY:
            return {}
        import aiohttp  # only here: not every store wants it

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_READ_TIMEOUT_S)
        return {
            "client_kwargs": {"timeout": timeout, "headers": {"Accept-Encoding": "identity"}},
            # A second store object in one process must not inherit connections to a server that died.
            "skip_instance_cache": True,
        }

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _names_in(self, folder: str) -> list[str]:
        with self._explained(f"list {folder}"):
            self._fs.invalidate_cache()
            try:
                entries = self._fs.ls(self._path(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return [name.rstrip("/").rpartition("/")[2] for name in entries]

    def _read_if_there(self, name: str) -> bytes | None:
        with self._explained(f"read {name}"):
            try:
                data: bytes = self._fs.cat_file(self._path(name))
            except FileNotFoundError:
                return None
        return data

    def _write(self, name: str, content: Content) -> None:
        path = self._path(name)
        if self._is_local:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_durably(Path(path), content.chunks())
            return
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        aside = path if self._protocol in _WHOLE_OR_NOT_AT_ALL else f"{path}.{os.getpid()}.part"
        if isinstance(content.source, Path):
            self._fs.put_file(str(content.source), aside)
        else:
            self._fs.pipe_file(aside, content.source)
        if aside != path:
            self._fs.mv(aside, path)
        self._fs.invalidate_cache()

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Say which store failed at what; the drivers' own errors name neither."""
        try:
            yield
        except (ReleaseChanged, StoreUnavailable):
            raise
        except Exception as error:  # every driver has its own, without a common base
            raise StoreUnavailable(f"{self.url}: could not {what}: {describe(error)}") from error


def blob_name(sha256: str) -> str:
    """Place of a blob in a store; the two digits keep folders small."""
    return f"blobs/sha256/{sha256[:2]}/{sha256}"


def describe(error: BaseException) -> str:
    """The error in one line; some drivers raise errors without text."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _manifest_name(number: int) -> str:
    return f"releases/{number}.json"
