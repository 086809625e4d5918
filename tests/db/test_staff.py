"""Who is on staff, how they join, and how they enter the desk."""

from __future__ import annotations

import pytest
from made import NOW, handle_all, handled, later, message, open_case, person

from db.store import Store
from flows.core.events import Address, JoinAnswered


async def tried(store: Store, number: int, code: str, address: Address, burn: bool = False, **at: float) -> list[bool]:
    """What was answered to `/join CODE` from that address."""
    from dataclasses import replace

    await store.accept([replace(message(number, address), at=later(**at))])
    async with store.batch() as batch:
        (work,) = batch.work
        await batch.finish([handled(work, joins=((code, burn),))])
    answers = [work.event for work in await handle_all(store)]
    assert all(isinstance(event, JoinAnswered) and event.id == f"join:telegram:7:{number}" for event in answers)
    return [event.accepted for event in answers if isinstance(event, JoinAnswered)]


async def test_members_are_listed_by_name_with_what_was_said_about_them(store: Store) -> None:
    await store.add_member("Zoë", "mediator", ("ar", "en"), wake=False)
    ada = await store.add_member("Ada", "coordinator", (), wake=True)
    assert [m.name for m in await store.members()] == ["Ada", "Zoë"]
    assert (await store.members())[0] == ada
    zoe = (await store.members())[1]
    assert (zoe.role, zoe.languages, zoe.wake, zoe.addresses) == ("mediator", ("ar", "en"), False, ())


async def test_a_name_is_taken_once(store: Store) -> None:
    await store.add_member("Ada", "member", (), wake=False)
    with pytest.raises(ValueError, match="exists"):
        await store.add_member("Ada", "member", (), wake=False)


async def test_a_join_code_opens_once(store: Store) -> None:
    await store.add_member("Ada", "member", (), wake=True)
    code = await store.join_code("Ada", NOW)
    assert len(code) >= 16  # five bits a letter
    assert await tried(store, 1, f" {code.lower()} ", person(5)) == [True]
    assert (await store.members())[0].addresses == (person(5),)
    assert await tried(store, 2, code, person(6)) == [False]
    assert (await store.members())[0].addresses == (person(5),)


async def test_a_burnt_an_old_and_an_unknown_code_open_nothing(store: Store) -> None:
    await store.add_member("Ada", "member", (), wake=True)
    burnt, old = await store.join_code("Ada", NOW), await store.join_code("Ada", NOW)
    assert await tried(store, 1, burnt, person("group"), burn=True) == []
    assert await tried(store, 2, burnt, person(5)) == [False]
    assert await tried(store, 3, old, person(5), hours=25) == [False]
    assert await tried(store, 4, "ABCDEFGHIJKLMNOP", person(5)) == [False]
    assert (await store.members())[0].addresses == ()


async def test_codes_and_links_are_for_members_only(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.join_code("Nobody", NOW)
    with pytest.raises(KeyError):
        await store.desk_link("Nobody", NOW)


async def test_a_link_can_be_looked_at_and_is_spent_once(store: Store) -> None:
    ada = await store.add_member("Ada", "member", (), wake=False)
    token = await store.desk_link("Ada", NOW)
    assert len(token) >= 43  # 256 bits
    assert await store.link_owner(token, NOW) == ada
    assert await store.link_owner(token, NOW) == ada
    spent = await store.spend_link(token, NOW)
    assert spent is not None
    member, session = spent
    assert member == ada
    assert await store.spend_link(token, NOW) is None
    assert await store.link_owner(token, NOW) is None
    assert await store.desk_member(session, later(hours=1)) == ada
    await store.end_desk_session(session)
    assert await store.desk_member(session, NOW) is None


async def test_a_link_lives_ten_minutes(store: Store) -> None:
    await store.add_member("Ada", "member", (), wake=False)
    token = await store.desk_link("Ada", NOW)
    assert await store.link_owner(token, later(minutes=9)) is not None
    assert await store.link_owner(token, later(minutes=10)) is None
    assert await store.spend_link(token, later(minutes=10)) is None


async def test_who_is_removed_has_no_way_in_any_more(store: Store) -> None:
    await store.add_member("Ada", "member", (), wake=False)
    code, link = await store.join_code("Ada", NOW), await store.desk_link("Ada", NOW)
    spent = await store.spend_link(await store.desk_link("Ada", NOW), NOW)
    assert spent is not None
    assert await store.remove_member("Ada") is True
    assert await store.remove_member("Ada") is False
    assert await store.members() == []
    assert await store.link_owner(link, NOW) is None
    assert await store.desk_member(spent[1], NOW) is None
    assert await tried(store, 1, code, person(5)) == [False]


async def test_a_case_keeps_its_lines_when_a_member_leaves(store: Store) -> None:
    await store.add_member("Ada", "member", (), wake=False)
    case = await open_case(store)
    await store.remove_member("Ada")
    found = await store.case(case)
    assert found is not None
    assert len(found[1]) == 2
