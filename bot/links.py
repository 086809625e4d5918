"""Whether the addresses that stand in the knowledge still lead somewhere.

Only an answer of the other side says that a page is gone. Where nothing answers at all there is no network, and then
nothing is said about any link.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

import aiohttp

from bot.content.articles import folders
from bot.content.tables import Problems
from bot.errors import Problem

AT_ONCE = 8
SECONDS = 10.0
PROBED = 8
"""So many hosts are asked first: when none of them answers there is no network."""

_URL = re.compile(r"https?://[^\s\"'<>\[\]]+")
_GONE = {404: "is not there (404)", 410: "is gone for good (410)"}
_ASK_AGAIN = 400  # from this status on HEAD is not believed: many servers know only GET
_AGENT = "lotse-check (looks whether links are alive)"

Place = tuple[Path, int]
Answer = int | str
"""An HTTP status, or why there was none."""


def places(folder: Path, town: str) -> dict[str, list[Place]]:
    """Every address in the town's articles and records, with each file and line it stands on."""
    files = sorted((folder / "towns" / town).glob("*.toml"))
    for article in folders(folder, town, Problems()).values():
        files += sorted(path for path in article.iterdir() if path.suffix in (".md", ".toml"))
    found: dict[str, list[Place]] = {}
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
            for match in _URL.finditer(line):
                quoted = line[match.end() : match.end() + 1] in ('"', "'")
                address = urldefrag(match[0] if quoted else _bare(match[0])).url
                found.setdefault(address, []).append((path, number))
    return found


def _bare(address: str) -> str:
    """An address in running text without what belongs to the sentence around it."""
    while address and (address[-1] in ".,;:!?*" or (address[-1] == ")" and address.count("(") < address.count(")"))):
        address = address[:-1]
    return address


async def ask(addresses: Iterable[str]) -> Mapping[str, Answer] | None:
    """What each address answers; None when the first few hosts are all silent, which means there is no network."""
    wanted = list(dict.fromkeys(addresses))
    hosts = {urlsplit(address).netloc: address for address in reversed(wanted)}
    first = list(hosts.values())[-PROBED:]
    limit = asyncio.Semaphore(AT_ONCE)
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    headers = {"User-Agent": _AGENT}
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers, trust_env=True) as session:

        async def each(address: str) -> tuple[str, Answer]:
            async with limit:
                return address, await _answer(session, address)

        answers = dict(await asyncio.gather(*map(each, first)))
        if not any(isinstance(answer, int) for answer in answers.values()):
            return None
        answers |= dict(await asyncio.gather(*(each(address) for address in wanted if address not in answers)))
    return answers


async def _answer(session: aiohttp.ClientSession, address: str) -> Answer:
    """The status after all redirects, asked for with HEAD and, where that is refused, with GET."""
    status: Answer = "does not answer"
    for method in ("HEAD", "GET"):
        try:
            async with session.request(method, address, allow_redirects=True) as response:
                status = response.status
        except aiohttp.ClientConnectorDNSError:
            return "has a host that nobody knows"
        except aiohttp.ClientConnectorCertificateError:
            return "has a certificate that is not valid"
        except aiohttp.TooManyRedirects:
            return "leads round in circles"
        except aiohttp.InvalidURL:
            return "is no web address"
        except TimeoutError:
            return f"does not answer within {SECONDS:.0f} seconds"
        except (aiohttp.ClientError, OSError):
            status = "does not answer"
        if isinstance(status, int) and status < _ASK_AGAIN:
            break
    return status


def problems(found: Mapping[str, Sequence[Place]], answers: Mapping[str, Answer]) -> list[Problem]:
    """A warning at each place of a link that is dead.

    A server that answers but refuses to talk to programs (401, 403, 429) or is in trouble (5xx) says nothing about
    its page, so it is not reported.
    """
    told: list[Problem] = []
    for address, answer in answers.items():
        sentence = _GONE.get(answer) if isinstance(answer, int) else answer
        if sentence:
            for path, line in found[address]:
                told.append(Problem(path=path, line=line, severity="warning", sentence=f"{address} {sentence}"))
    return sorted(told)


def look(folder: Path, town: str) -> list[Problem] | None:
    """Every dead link of the town's knowledge; None when there is no network to look with."""
    found = places(folder, town)
    answers = asyncio.run(ask(found))
    return None if answers is None else problems(found, answers)
