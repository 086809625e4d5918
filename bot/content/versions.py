"""Which German text a translation was made from, and which German texts say the same.

A translation keeps the digest of its German text. When only a comma was corrected, the German text's front matter
lists the digests that count as one: `minor = ["8978db18c8fb", "41f0a7d2c9be"]`. The last is the text as it stands;
once the text changes again the list counts for nothing, so that a later change of meaning is never covered by it.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.content.articles import digest, same_text
from bot.content.front import quoted, with_keys
from bot.content.markdown import split

LOOKED_BACK = 20
"""How many versions of a German text Git is asked for."""


class NotMinorError(ValueError):
    """A change cannot be marked as minor; its text says why."""


@dataclass(frozen=True, kw_only=True)
class Minor:
    """A German text marked as saying the same as an earlier one."""

    path: Path
    before: str  # the digest of the text before the change
    current: tuple[str, ...]  # the languages whose translations stay current by it


def stamp(folder: Path, town: str, ids: Iterable[str] | None = None) -> list[Path]:
    """Write into each translation which German text it was made from; the files that changed.

    With `ids` only these articles. Nothing but that line changes, so a file keeps its line endings.
    """
    wanted = None if ids is None else set(ids)
    changed: list[Path] = []
    for place in (folder / "articles", folder / "towns" / town / "articles"):
        for german in sorted(place.glob("*/*/de.md")):
            if wanted is not None and f"{german.parent.parent.name}.{german.parent.name}" not in wanted:
                continue
            parts = split(german.read_text(encoding="utf-8"))
            if parts is None:
                continue
            made_from = quoted(digest(parts[1]))
            for path in sorted(german.parent.glob("*.md")):
                if path.name != "de.md" and _write(path, {"source_digest": made_from}):
                    changed.append(path)
    return changed


def mark_minor(folder: Path, town: str, id: str, before: str | None = None) -> Minor:
    """Write into the German text that it says the same as the one before; NotMinorError when that is not clear.

    `before` is the digest of the text before the change. Without it Git is asked, and where there is no Git it is
    the one text all outdated translations were made from.
    """
    topic, _, entry = id.partition(".")
    places = [folder / "towns" / town / "articles", folder / "articles"]
    german = next((path for place in places if (path := place / topic / entry / "de.md").is_file()), None)
    parts = split(german.read_text(encoding="utf-8")) if german else None
    if german is None or parts is None:
        raise NotMinorError(f"there is no German text of {id}")
    now, listed = digest(parts[1]), _listed(german)
    made_from = {path.stem: str(_front(path).get("source_digest", "")) for path in sorted(german.parent.glob("*.md"))}
    del made_from["de"]
    same = same_text(parts[1], listed)
    old = {made for made in made_from.values() if made and made not in same}
    if not old:
        raise NotMinorError(f"{id}: no translation is outdated")
    before = before or _committed_before(german, now)
    if (before is None and len(old) > 1) or before in same:
        choices = ", ".join(f"{made} ({language})" for language, made in made_from.items() if made in old)
        raise NotMinorError(f"{id}: which text does this one say the same as? --was with one of {choices}")
    before = before or old.pop()
    if listed and listed[-1] == before:
        versions = [*listed, now]
    else:
        versions = [before, *(same if len(same) > 1 else (now,))]
    current = tuple(language for language, made in made_from.items() if made in versions and made != now)
    if not current:
        raise NotMinorError(f"{id}: no translation was made from the text before this change ({before})")
    _write(german, {"minor": "[" + ", ".join(quoted(version) for version in versions) + "]"})
    return Minor(path=german, before=before, current=current)


def _listed(german: Path) -> list[str]:
    listed = _front(german).get("minor", [])
    return [str(version) for version in listed] if isinstance(listed, list) else []


def _front(path: Path) -> dict[str, object]:
    parts = split(path.read_text(encoding="utf-8"))
    try:
        return tomllib.loads(parts[0]) if parts else {}
    except tomllib.TOMLDecodeError:
        return {}


def _write(path: Path, values: dict[str, str | None]) -> bool:
    before = path.read_bytes().decode("utf-8")
    after = with_keys(before, values)
    if after != before:
        path.write_bytes(after.encode("utf-8"))
    return after != before


def _committed_before(path: Path, now: str) -> str | None:
    """The digest of the last committed text that is not the present one; None where Git knows of none."""
    commits = _git(path, "log", f"-{LOOKED_BACK}", "--format=%H", "--", path.name) or ""
    for commit in commits.split():
        text = _git(path, "show", f"{commit}:./{path.name}")
        parts = split(text) if text else None
        if parts is not None and digest(parts[1]) != now:
            return digest(parts[1])
    return None


def _git(path: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(path.parent), *arguments],  # noqa: S607
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None
