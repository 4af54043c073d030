"""Workspace of one session: every text, image, audio, video and table in it.

A controller sees names and descriptions, never paths. Files lie in the session's own folder under unguessable
names and go with it.
"""

import asyncio
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.resources import _EMPTY, Origin, Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import file_types, media
from hugginggpt.workspace.document_files import add_document
from hugginggpt.workspace.documents import reader as documents
from hugginggpt.workspace.fetch import AddressPolicy, fetch, is_public
from hugginggpt.workspace.html_text import extract_page_text, is_html_page
from hugginggpt.workspace.pictures import convert_heif
from hugginggpt.workspace.session_folder import SessionFolder, explain_storage_error
from hugginggpt.workspace.storage import Storage
from hugginggpt.workspace.text_tables import add_tables_of_text

EXAMPLE_MEDIA: Final = Path(__file__).resolve().parents[2] / "demos" / "media"
"""Folder of the shipped examples: the only files outside a session's folder that a plan may name."""
_MAX_UNSTORED_CHARS: Final = 4_000


class Workspace:
    """All resources of one session. Thread-safe; to be closed, or used in a ``with``."""

    def __init__(self, files: SessionFolder, settings: Settings, *, allowed: AddressPolicy = is_public) -> None:
        self.files = files
        self._settings = settings
        self._allowed = allowed
        self._resources: dict[str, Resource] = {}
        self._sizes: dict[str, int] = {}
        self._counts: Counter[Kind] = Counter()
        self._by_source: dict[str, str] = {}
        self._lock = threading.Lock()
        self._fetching: dict[str, asyncio.Lock] = {}

    @classmethod
    def create(cls, settings: Settings, *, storage: Storage | None = None, allowed: AddressPolicy = is_public) -> Self:
        """Create a workspace in a folder of its own; see `SessionFolder.create`."""
        return cls(SessionFolder.create(settings, storage), settings, allowed=allowed)

    @property
    def folder(self) -> Path:
        """The session's folder."""
        return self.files.path

    def new_path(self, suffix: str) -> Path:
        """Return a path for a new file; see `SessionFolder.new_path`."""
        return self.files.new_path(suffix)

    def close(self) -> None:
        """Delete the folder and forget all resources."""
        self.files.close()
        with self._lock:
            self._resources.clear()
            self._sizes.clear()
            self._by_source.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All resources, the oldest first."""
        return tuple(self._resources.values())

    def add_file(self, path: Path, name: str | None = None) -> Resource:
        """Add a copy of a person's file, after looking at what it holds, whatever its name says.

        Raises:
            ResourceError: It is missing, too large, or nothing that can be used here.
        """
        name = name or path.name
        if not os.path.isfile(path):  # Path.is_file raises where a name is too long
            raise ResourceError(f"There is no file “{_shorten(name)}”.")
        if path.stat().st_size > self._settings.max_file_bytes:
            limit = self._settings.max_file_bytes / 2**20
            raise ResourceError(f"“{name}” is larger than {limit:.3g} MB: attach a smaller file.")
        return self._add(path, Origin("upload", name), copy=True)

    def list_parts(self, resource: Resource) -> tuple[Resource, ...]:
        """List the other resources of the document that a resource is: pictures and tables inside, further sheets."""
        return tuple(each for each in self.resources if each.part_of == resource.name)

    def add_resource(self, draft: Resource) -> Resource:
        """Register a resource as it is, with a file in this workspace's folder; its name is kept where it is free."""
        if draft.path is None:
            return self._register(draft)
        with self.files.reserve(draft.path.stat().st_size, draft.path):
            return self._register(draft)

    def rewrite_text(self, resource: Resource, text: str) -> Resource:
        """Replace the text of a document, of which more was read; return the resource with the new text.

        Raises:
            ResourceError: There is no room for it.
        """
        content = text.encode("utf-8", "replace")
        if resource.path is not None:
            with self.files.rewrite(resource.path, len(content)) as path:
                path.write_bytes(content)
        rewritten = replace(resource, text=text)
        with self._lock:
            self._resources[resource.name] = rewritten
        return rewritten

    def add_output(
        self,
        kind: Kind,
        origin: Origin,
        *,
        path: Path | None = None,
        text: str | None = None,
        data: Mapping[str, Any] = _EMPTY,
        name: str = "",
    ) -> Resource:
        """Register a task's output: a text, or a file in this workspace's folder; it keeps a `name` that is free here.

        A long text gets a file, to which a page can link, and which counts as what the session takes.
        """
        content = b""
        if path is None:
            if text is None or not is_long_text(text):
                return self._register(Resource(name, kind, origin, text=text, data=data))
            path, content = self.new_path(".txt"), text.encode("utf-8", "replace")  # half a surrogate pair can't be written
        size = len(content) or path.stat().st_size
        with self.files.reserve(size, path):
            if content:
                path.write_bytes(content)
            return self._register(Resource(name, kind, origin, path, text, data=data))

    def discard(self, resources: Iterable[Resource]) -> None:
        """Forget resources and delete their files."""
        for resource in resources:
            with self._lock:
                self._resources.pop(resource.name, None)
                size = self._sizes.pop(resource.name, 0)
            self.files.release(size)
            if resource.path is not None:
                shutil.rmtree(resource.path.parent, ignore_errors=True)  # each file has a folder of its own

    def find(self, name: str) -> Resource | None:
        """Find the resource called `name`: its own name, or the name its file had, in upper or lower case."""
        wanted = _strip_brackets(name)
        if known := self._by_source.get(wanted):
            return self._resources[known]
        if "://" in wanted:  # two addresses may end in one file name
            return None
        wanted = wanted.lower()
        if wanted in self._resources:
            return self._resources[wanted]
        base = wanted.replace("\\", "/").rpartition("/")[2]
        brought = [(r.origin.label.lower(), r) for r in self.resources if r.origin.source != "task"]
        matches = [r for label, r in brought if label in {wanted, base}]
        matches = matches or [
            r for label, r in brought if label.startswith(f"{base}, ") and r.file and not r.part_of
        ]  # a workbook
        return matches[-1] if matches else None  # of files with one name the latest is meant

    async def resolve(self, name: str) -> Resource:
        """Find the resource that a plan names: one of this session, a shipped example, or a URL, fetched once.

        Raises:
            ResourceError: There is no such resource, or the fetch guard refuses it.
        """
        if found := self.find(name):
            return found
        name = _strip_brackets(name)
        if "://" in name or name.startswith(("file:", "data:")):
            return await self._fetch_url(name)
        if example := _find_example(name):
            async with self._fetching.setdefault(example.name, asyncio.Lock()):
                if known := self.find(example.name):  # another task was first
                    return known
                return await asyncio.to_thread(self._add, example, Origin("example", example.name), copy=True)
        raise ResourceError(f"There is no “{_shorten(name)}” in this session: attach the file, or name one of the resources.")

    async def _fetch_url(self, url: str) -> Resource:
        async with self._fetching.setdefault(url, asyncio.Lock()):  # two tasks may name one URL at the same time
            if known := self._by_source.get(url):
                return self._resources[known]
            label = _derive_file_name(url)
            target = self.new_path(".part")
            try:
                with self.files.reserve_download() as count:
                    await fetch(
                        url,
                        target,
                        max_bytes=self._settings.max_file_bytes,
                        seconds=self._settings.fetch_seconds,
                        allowed=self._allowed,
                        count=count,
                    )
                resource = await asyncio.to_thread(self._add, target, Origin("url", label), copy=False)
            except OSError as error:
                raise explain_storage_error(f"“{label}”", error) from error
            finally:
                target.unlink(missing_ok=True)
            self._by_source[url] = resource.name  # only now: after a failure the next task may try again
            return resource

    def _add(self, path: Path, origin: Origin, *, copy: bool) -> Resource:
        try:
            if documents.is_document(path, origin.label):
                return add_document(self, path, origin, max_pixels=self._settings.max_pixels)
            kind, suffix = file_types.identify(path, origin.label, max_pixels=self._settings.max_pixels)
            text, encoding = media.read_text_file(path, origin.label) if kind in {Kind.TEXT, Kind.TABLE} else (None, "")
            facts = file_types.read_facts(path, kind, suffix, max_pixels=self._settings.max_pixels, encoding=encoding)
            if text is not None and is_html_page(text):
                facts = replace(facts, format="HTML")
                text = extract_page_text(text) or text  # a page that scripts fill has no text of its own
            content = None if text is None else text.encode("utf-8")  # UTF-8 from here on, whatever it was
            if suffix == ".heic":
                content, suffix = convert_heif(path, max_pixels=self._settings.max_pixels)
            target = self.new_path(suffix)
            with self.files.reserve(path.stat().st_size if content is None else len(content), target):
                if content is not None:
                    target.write_bytes(content)
                elif copy:
                    shutil.copyfile(path, target)
                else:
                    path.rename(target)
                resource = self._register(Resource("", kind, origin, target, text if kind is Kind.TEXT else None, file=facts))
            add_tables_of_text(self, resource)
            return resource
        except OSError as error:
            raise explain_storage_error(f"“{origin.label}”", error) from error

    def _register(self, draft: Resource) -> Resource:
        path, kind, name = draft.path, draft.kind, draft.name
        measure = draft.measure or (media.describe(path, kind) if path else "")  # before the lock: it reads the file
        with self._lock:
            if len(self._resources) >= self._settings.max_session_files:
                raise ResourceError(f"This session holds {len(self._resources):,} resources already: start a new one.")
            if name and name not in self._resources:
                self._counts[kind] = max(self._counts[kind], int(name.rpartition("-")[2]))  # later names count on from it
            else:
                self._counts[kind] += 1
                name = f"{kind.value}-{self._counts[kind]}"
            path = self.files.rename_for_saving(path, name) if path else None
            resource = replace(draft, name=name, path=path, measure=measure)
            self._resources[name] = resource
            self._sizes[name] = resource.path.stat().st_size if resource.path else 0
        return resource


def is_long_text(text: str) -> bool:
    """Return whether a text is so long that it gets a file: it can't stand in a link of its own."""
    return len(text) > _MAX_UNSTORED_CHARS


def is_example(name: str) -> bool:
    """Return whether `name` is that of a shipped example."""
    return _find_example(_strip_brackets(name)) is not None


def _find_example(name: str) -> Path | None:
    """Return a shipped example by its file name or by its path from the project's folder; nothing outside that folder."""
    base = Path(name.strip().replace("\\", "/"))
    if base.parent.as_posix() not in {".", "demos/media", "./demos/media"}:
        return None
    path = EXAMPLE_MEDIA / base.name
    # resolved, so that no symbolic link leads out of the folder
    return path if os.path.isfile(path) and path.resolve().parent == EXAMPLE_MEDIA.resolve() else None


def _derive_file_name(url: str) -> str:
    try:
        return unquote(urlsplit(url).path).rpartition("/")[2] or "page.txt"
    except ValueError:
        return "page.txt"


def _strip_brackets(name: str) -> str:
    """Return a name without the brackets and quotes that controllers put around it."""
    return name.strip().strip("[]()<>\"'`")


def _shorten(name: str) -> str:
    return f"{name[:80]}…" if len(name) > 80 else name
