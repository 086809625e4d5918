"""What was read and indexed, kept on disk: a start with unchanged content reads it from there.

A file of the user's cache folder holds the sound knowledge of one town, others its words of danger and the index of
each language. Each begins with a digest of what it was made from (every file of the content, and the code that reads
it, by name, size and time of change), so that it is never used for anything else. Only files that this user alone can
write are trusted, and only knowledge without an error is kept.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import platformdirs

import flows
from bot import content
from flows.core.danger import Alarm, build_alarm
from flows.core.index import Index, LanguageIndex, Languages
from flows.core.knowledge import Knowledge

DIGEST_BYTES = 32


def digest(folder: Path, town: str) -> bytes:
    """What the kept files are made from."""
    found = hashlib.sha256(f"{sys.version} {town} {folder.resolve()}".encode())
    code = (Path(str(content.__file__)).parent, Path(str(flows.__file__)).parent / "core")
    for path in _files((folder, *code)):
        seen = path.stat()
        found.update(f"{path} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return found.digest()


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for root, subfolders, names in os.walk(folder):
            subfolders[:] = sorted(name for name in subfolders if name != "__pycache__")
            yield from (Path(root) / name for name in sorted(names))


def read_knowledge(made_from: bytes) -> Knowledge | None:
    """The knowledge kept under that digest, without an index."""
    kept = _read("knowledge", made_from)
    return kept if isinstance(kept, Knowledge) else None


def keep_knowledge(made_from: bytes, knowledge: Knowledge) -> None:
    """Keep it for the next start; a disk that does not take it costs only time."""
    _write("knowledge", made_from, knowledge)


def alarm(made_from: bytes, knowledge: Knowledge) -> Alarm:
    """The words of danger, ready to be looked for: read from disk where they are kept, and kept when they are made."""
    kept = _read("alarm", made_from)
    if isinstance(kept, Alarm):
        return kept
    made = build_alarm(knowledge.crisis_words)
    _write("alarm", made_from, made)
    return made


def through(made_from: bytes, index: Index) -> None:
    """Have the index of a language read from disk where it is kept, and kept when it is made."""
    for part, languages in _parts(index):
        languages.through(partial(_kept_or_made, made_from, part))


def all_kept(made_from: bytes, index: Index) -> bool:
    """Whether every language's index is kept already."""
    return all(_is_kept(f"{part}-{code}", made_from) for part, languages in _parts(index) for code in languages)


def _parts(index: Index) -> Iterator[tuple[str, Languages]]:
    for part, languages in (("index", index.languages), ("sounds", index.sounds)):
        if isinstance(languages, Languages):
            yield part, languages


def _kept_or_made(made_from: bytes, part: str, code: str, make: Callable[[], LanguageIndex]) -> LanguageIndex:
    kept = _read(f"{part}-{code}", made_from)
    if isinstance(kept, LanguageIndex):
        return kept
    made = make()
    _write(f"{part}-{code}", made_from, made)
    return made


def _is_kept(name: str, made_from: bytes) -> bool:
    try:
        with _path(name).open("rb") as file:
            return file.read(DIGEST_BYTES) == made_from
    except OSError:
        return False


def _path(name: str) -> Path:
    return Path(platformdirs.user_cache_dir("lotse")) / f"{name}.pickle"


def _read(name: str, made_from: bytes) -> Any:
    path = _path(name)
    try:
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
            if seen.st_uid != os.getuid() or stat.S_IMODE(seen.st_mode) & 0o022:
                return None
            if file.read(DIGEST_BYTES) != made_from:
                return None
            with collecting_nothing():
                return pickle.load(file)  # noqa: S301 - our own file, which only this user can write
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError):
        return None


@contextlib.contextmanager
def collecting_nothing() -> Iterator[None]:
    """Reading makes many things and no garbage: looking for some between them takes four fifths of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _write(name: str, made_from: bytes, value: object) -> None:
    path = _path(name)
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(made_from)
                pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)
            os.replace(made, path)
        except BaseException:
            os.unlink(made)
            raise
