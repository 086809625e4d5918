"""What is particular to the embedded store: group commit, the file, and its schema."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from made import NOW, handle_all, handled, message, person
from stores import KEY, fresh_store
from test_forget import delete, lived

from db.codec import Codec, SealError
from db.open import open_store
from db.sqlite import SqliteStore
from db.store import SchemaError, Settlement
from db.tables import REVISIONS


def store_at(path: Path, key: bytes = KEY) -> SqliteStore:
    store = open_store(f"sqlite:///{path}", Codec(key))
    assert isinstance(store, SqliteStore)
    return store


def schema(path: Path) -> set[tuple[str, str, str]]:
    """Every table and index with its definition, without layout."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {(kind, name, "".join(sql.replace('"', "").split())) for kind, name, sql in rows}


async def test_sixty_four_who_wait_at_once_share_commits(tmp_path: Path) -> None:
    async with fresh_store("sqlite", tmp_path) as store:
        assert isinstance(store, SqliteStore)
        before = store.commits
        new = await asyncio.gather(*(store.accept([message(n, person(n))]) for n in range(64)))
        assert new == [1] * 64
        assert store.commits - before < 16


async def test_one_operation_that_fails_takes_only_itself_out_of_its_group(tmp_path: Path) -> None:
    async with fresh_store("sqlite", tmp_path) as store:
        outcomes = await asyncio.gather(
            store.accept([message(1)]),
            store.add_member("Ada", "member", (), wake=False),
            store.add_member("Ada", "member", (), wake=False),
            store.join_code("Nobody", NOW),
            store.accept([message(2)]),
            return_exceptions=True,
        )
        assert [type(outcome).__name__ for outcome in outcomes] == ["int", "Member", "ValueError", "KeyError", "int"]
        assert len(await handle_all(store)) == 2
        assert len(await store.members()) == 1


async def test_after_forgetting_the_bytes_of_the_sealed_rows_are_gone_from_file_and_log(tmp_path: Path) -> None:
    path = tmp_path / "lotse.db"
    store = store_at(path)
    await store.open()
    await lived(store)
    connection = sqlite3.connect(path)
    # The last eight bytes of a ciphertext are its tag's: random, so found nowhere else.
    query = "SELECT payload FROM {0} WHERE payload IS NOT NULL"
    kept = [row[0][-8:] for name in ("inbox", "outbox", "entries") for row in connection.execute(query.format(name))]
    kept += [row[0][-8:] for row in connection.execute("SELECT state FROM conversations")]
    kept += [row[0][-8:] for row in connection.execute("SELECT address FROM conversations")]
    connection.close()
    assert len(kept) > 6

    def on_disk() -> list[bytes]:
        raw = path.read_bytes() + path.with_name("lotse.db-wal").read_bytes()
        return [value for value in kept if value in raw]

    assert on_disk() == kept
    await delete(store, 5, deliveries=False)
    assert on_disk() == []
    await store.close()


async def test_the_file_holds_nothing_in_plain_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "lotse.db"
    store = store_at(path)
    await store.open()
    await lived(store)
    raw = path.read_bytes() + path.with_name("lotse.db-wal").read_bytes()
    await store.close()
    assert [w for w in (b"Geheimnis", b"person-1", b"-100777", b"the brief", b"telegram:7:1") if w in raw] == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_another_key_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lotse.db"
    store = store_at(path)
    await store.open()
    await store.accept([message(1)])
    await store.close()
    stranger = store_at(path, key=bytes(32))
    await stranger.open()
    with pytest.raises(SealError, match="another key"):
        async with stranger.batch():
            pass
    await stranger.close()


async def test_a_change_to_a_row_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "lotse.db"
    store = store_at(path)
    await store.open()
    await store.accept([message(1, person(1)), message(2, person(2))])
    connection = sqlite3.connect(path)
    (first,), (second,) = connection.execute("SELECT payload FROM inbox ORDER BY seq").fetchall()
    connection.execute("UPDATE inbox SET payload = CASE seq WHEN 1 THEN ? ELSE ? END", (second, first))
    connection.commit()
    connection.close()
    with pytest.raises(SealError, match="another record"):
        async with store.batch():
            pass
    await store.close()


async def test_a_new_file_has_the_schema_that_the_migrations_make(tmp_path: Path) -> None:
    from db.migrate import upgrade

    made, migrated = store_at(tmp_path / "made.db"), tmp_path / "migrated.db"
    await made.open()
    await made.close()
    await asyncio.to_thread(upgrade, f"sqlite:///{migrated}")
    assert schema(made.path) == schema(migrated)


def test_the_revisions_named_are_those_that_exist() -> None:
    from alembic.script import ScriptDirectory

    from db.migrate import config

    scripts = ScriptDirectory.from_config(config("sqlite://")).walk_revisions()
    assert [script.revision for script in scripts] == list(reversed(REVISIONS))


async def test_an_older_file_is_migrated_after_a_copy(tmp_path: Path) -> None:
    from alembic import command

    from db.migrate import config

    path = tmp_path / "lotse.db"
    store = store_at(path)
    await store.open()
    await store.close()
    now = schema(path)
    await asyncio.to_thread(command.downgrade, config(f"sqlite:///{path}"), "base")
    assert schema(path) != now
    await store.open()
    assert await store.accept([message(1)]) == 1
    await store.close()
    assert schema(path) == now
    copied = {name for _, name, _ in schema(tmp_path / f"lotse.db.before-{REVISIONS[-1]}")}
    assert "alembic_version" in copied
    assert "inbox" not in copied


async def test_a_file_of_a_later_release_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "lotse.db"
    store = store_at(path)
    await store.open()
    await store.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaError, match=r"9999.*install the release that made it"):
        await store.open()
    from db.migrate import upgrade

    with pytest.raises(SchemaError, match="does not know"):
        await asyncio.to_thread(upgrade, f"sqlite:///{path}")


async def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaError, match=r"not one of Lotse's"):
        await store_at(path).open()


async def test_a_full_disk_is_told_and_nothing_counts_as_stored(tmp_path: Path) -> None:
    path = tmp_path / "lotse.db"
    store = store_at(path)
    await store.open()
    await store.accept([message(1)])
    writer = store._writer
    assert writer is not None
    await writer.carry_out(_limit_pages)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await store.accept([message(n, person(n), text="x" * 20_000) for n in range(2, 60)])
    assert (await store.figures())["inbox_open"] == 1
    async with store.batch() as batch:
        await batch.finish([handled(work) for work in batch.work])
    await store.close()


async def _limit_pages(tx: object) -> None:
    connection = tx.connection  # type: ignore[attr-defined]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 20}")


def test_starting_on_sqlite_imports_neither_alembic_nor_the_other_driver() -> None:
    code = "import sys, db.sqlite; print(sorted({'alembic', 'asyncpg', 'greenlet', 'mako'} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert ended.stdout.strip() == "[]"


async def test_a_copy_made_while_in_use_can_be_put_back(tmp_path: Path) -> None:
    from db.backup import backup, restore

    path, copy = tmp_path / "lotse.db", tmp_path / "copy.db"
    store = store_at(path)
    await store.open()
    await store.accept([message(1)])
    await asyncio.to_thread(backup, path, copy)
    await handle_all(store)
    await store.accept([message(2)])
    await store.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        backup(path, copy)
    restore(copy, path)
    await store.open()
    assert [work.event.id for work in await handle_all(store)] == ["telegram:7:1"]
    await store.close()
    replaced = store_at(path.with_name("lotse.db.replaced"))
    await replaced.open()
    assert [work.event.id for work in await handle_all(replaced)] == ["telegram:7:2"]
    await replaced.close()


@pytest.mark.parametrize("damage", ["cut", "bytes", "other", "missing"])
async def test_a_damaged_copy_is_refused_and_the_database_left_alone(tmp_path: Path, damage: str) -> None:
    from db.backup import backup, restore

    path, copy = tmp_path / "lotse.db", tmp_path / "copy.db"
    store = store_at(path)
    await store.open()
    await store.accept([message(n, person(n), text="x" * 500) for n in range(200)])
    await store.close()
    backup(path, copy)
    raw = bytearray(copy.read_bytes())
    match damage:
        case "cut":
            copy.write_bytes(raw[: len(raw) // 2])
        case "bytes":
            raw[4096:12288] = b"\xff" * 8192
            copy.write_bytes(raw)
        case "other":
            copy.write_text("this is a letter")
        case "missing":
            copy.unlink()
    before = path.read_bytes()
    with pytest.raises(FileNotFoundError if damage == "missing" else SchemaError):
        restore(copy, path)
    assert path.read_bytes() == before
    assert not path.with_name("lotse.db.arriving").exists()


async def test_nothing_is_done_on_a_store_that_is_not_open(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await store_at(tmp_path / "x.db").accept([message(1)])


async def test_a_settlement_is_kept_when_the_file_is_copied_as_it_is(tmp_path: Path) -> None:
    """What `settle` returned for is on the disk: file and log, copied at that moment, hold it."""
    path = tmp_path / "lotse.db"
    store = store_at(path)
    await store.open()
    await lived(store)
    (first, *_) = await store.due(NOW)
    await store.settle([Settlement(delivery=first.id, sent=True)], NOW)
    (tmp_path / "crash").mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", tmp_path / "crash" / f"lotse.db{suffix}")
    await store.close()
    crashed = store_at(tmp_path / "crash" / "lotse.db")
    await crashed.open()
    assert first.id not in [d.id for d in await crashed.due(NOW)]
    await crashed.close()
