"""Several processes on one PostgreSQL database: two stores that know nothing of each other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from made import NOW, handle_all, handled, later, message, open_case, person, reply
from stores import KEY

from db.codec import Codec
from db.open import open_store
from db.postgresql import LEASE
from db.store import SchemaError, Settlement, Store, Tally
from db.tables import REVISIONS


@pytest.fixture
def kind() -> str:
    return "postgresql"


@asynccontextmanager
async def another(url: str) -> AsyncIterator[Store]:
    store = open_store(url, Codec(KEY))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def test_two_processes_never_hold_one_conversation(store: Store, url: str) -> None:
    await store.accept([message(1, person(1)), message(2, person(1)), message(3, person(2))])
    async with another(url) as second, store.batch(limit=1) as mine:
        assert [work.event.id for work in mine.work] == ["telegram:7:1"]
        async with second.batch() as theirs:
            assert [work.event.id for work in theirs.work] == ["telegram:7:3"]
        await mine.finish([handled(work) for work in mine.work])
        assert [work.event.id for work in await handle_all(second)] == ["telegram:7:2", "telegram:7:3"]


async def test_accepting_does_not_wait_for_a_batch(store: Store, url: str) -> None:
    await store.accept([message(1)])
    async with another(url) as second, store.batch() as batch:
        assert await asyncio.wait_for(second.accept([message(2)]), timeout=20) == 1
        await batch.finish([handled(work) for work in batch.work])
    assert [work.event.id for work in await handle_all(store)] == ["telegram:7:2"]


async def test_what_a_process_held_when_it_was_cut_off_is_taken_by_the_other(store: Store, url: str) -> None:
    await store.accept([message(1)])
    async with another(url) as second:
        with pytest.raises(OSError, match="cut off"):
            async with store.batch():
                raise OSError("cut off")
        assert [work.event.id for work in await handle_all(second)] == ["telegram:7:1"]


async def test_many_processes_handle_everything_once_and_in_order(store: Store, url: str) -> None:
    people, each = 12, 10
    handled_by: list[str] = []

    async def process(mine: Store) -> None:
        for _ in range(200):
            async with mine.batch(limit=5) as batch:
                results = [handled(work, tallies=(Tally(what="helped"),)) for work in batch.work]
                await asyncio.sleep(0)
                await batch.finish(results)
                handled_by.extend(work.event.id for work in batch.work)
            if not batch.work and len(handled_by) == people * each:
                return

    async def accepting(mine: Store) -> None:
        for n in range(each):
            await mine.accept([message(100 * who + n, person(who)) for who in range(1, people + 1)])

    async with another(url) as second, another(url) as third:
        await asyncio.gather(accepting(store), process(store), process(second), process(third))
    assert Counter(handled_by).most_common(1)[0][1] == 1
    for who in range(1, people + 1):
        conversation = await store.conversation(person(who))
        assert conversation is not None
        assert conversation.version == each


async def test_the_same_event_at_two_webhooks_is_accepted_once(store: Store, url: str) -> None:
    async with another(url) as second:
        new = await asyncio.gather(
            *(one.accept([message(n, person(n % 3)) for n in range(20)]) for one in (store, second, store, second))
        )
    assert sum(new) == 20
    assert len(await handle_all(store)) == 20


async def test_a_delivery_is_handed_to_one_process_until_its_lease_ends(store: Store, url: str) -> None:
    await store.accept([message(1)])
    await handle_all(store, deliveries=(reply(message(1)), reply(message(1), 1)))
    async with another(url) as second:
        both = await asyncio.gather(store.due(NOW), second.due(NOW))
        assert sorted(len(found) for found in both) == [0, 1]
        assert await second.due(later(seconds=LEASE.total_seconds() - 1)) == []
        (again,) = await second.due(later(seconds=LEASE.total_seconds()))
        assert again.id == "telegram:7:1:0"
        await second.settle([Settlement(delivery=again.id, sent=True)], NOW)
        await store.settle([Settlement(delivery=again.id, sent=True)], NOW)
        (then,) = await store.due(NOW)
        assert then.id == "telegram:7:1:1"


async def test_a_join_code_opens_once_however_many_try_at_once(store: Store, url: str) -> None:
    await store.add_member("Ada", "member", (), wake=False)
    code = await store.join_code("Ada", NOW)
    await store.accept([message(n, person(n)) for n in (1, 2)])
    async with another(url) as second, store.batch(limit=1) as one, second.batch(limit=1) as two:
        await asyncio.gather(*(b.finish([handled(b.work[0], joins=((code, False),))]) for b in (one, two)))
    answers = [work.event.accepted for work in await handle_all(store)]  # type: ignore[attr-defined]
    assert sorted(answers) == [False, True]


async def test_cases_opened_at_once_have_different_numbers(store: Store, url: str) -> None:
    async with another(url) as second:
        await open_case(store, 1, person(1), in_room=False)
        await open_case(second, 2, person(2), in_room=False)
        await open_case(store, 3, person(3), in_room=False)
    assert len({line.ticket.number for line in await store.cases()}) == 3


async def test_a_database_without_tables_and_of_another_release_are_refused_with_what_to_do(url: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="install the release that made it"):
        await open_store(url, Codec(KEY)).open()
    await connection.execute("DELETE FROM alembic_version")
    with pytest.raises(SchemaError, match="lotse db upgrade"):
        await open_store(url, Codec(KEY)).open()
    await connection.execute("DROP TABLE alembic_version")
    with pytest.raises(SchemaError, match="no tables yet: run `lotse db upgrade`"):
        await open_store(url, Codec(KEY)).open()
    await connection.close()


async def test_the_migrations_make_the_tables_that_the_program_uses(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import Connection, NullPool
    from sqlalchemy.ext.asyncio import create_async_engine

    from db.tables import metadata

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    import asyncpg

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_upgrading_twice_changes_nothing(url: str) -> None:
    from db.migrate import upgrade

    assert await asyncio.to_thread(upgrade, url) == f"the database has schema {REVISIONS[-1]}"
