"""A word lexicon learned from our own parallel texts: what a word of another language is in German.

Where an article has no text in a language yet, its German text is found through the lexicon. A word's German
counterparts come from all blocks that stand at the same place in both languages, by IBM's first model of word
alignment (Brown et al. 1993, *The Mathematics of Statistical Machine Translation*), from folded words. It is learned
by `lotse translations lexicon`, kept as `knowledge/lexicon/<lang>.toml`, and never read by anybody but the search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.content.tables import Problems, TomlFile
from flows.core.fold import fold
from flows.core.index import plain
from flows.core.knowledge import ArticleText, Block, Knowledge

ROUNDS = 6
LEAST = 0.1
"""How likely a German word must be to be kept: below, the two merely stand in the same articles."""

NEGLIGIBLE = 0.01
FEWEST_TEXTS = 10
"""From fewer parallel texts than that, words are paired by chance."""

Pair = tuple[Sequence[str], Sequence[str]]


def wanted(knowledge: Knowledge) -> tuple[str, ...]:
    """The town's languages that lack texts and have enough of them to learn from."""
    articles = knowledge.articles.values()
    there = {code: sum(code in article.texts for article in articles) for code in knowledge.town.languages}
    return tuple(code for code, texts in there.items() if FEWEST_TEXTS <= texts < len(articles))


def learn(knowledge: Knowledge, language: str) -> dict[str, str]:
    """The likeliest German word for each word of a language, both folded."""
    return learn_from(
        [
            pair
            for article in knowledge.articles.values()
            if language in article.texts
            for pair in _pairs(article.texts[language], article.texts["de"])
        ]
    )


def learn_from(pairs: Sequence[Pair]) -> dict[str, str]:
    """The likeliest word of another language for each word of one, from stretches that say the same in both."""
    likely = _model(pairs)
    best = {word: max(sorted(others), key=others.__getitem__) for word, others in likely.items() if others}
    return {word: other for word, other in sorted(best.items()) if likely[word][other] > LEAST and other != word}


def _pairs(text: ArticleText, german: ArticleText) -> Iterator[Pair]:
    yield fold(text.title).split(), fold(german.title).split()
    yield from _blocks(text.lead, german.lead)
    for section, source in zip(text.sections, german.sections, strict=True):
        yield fold(section.heading).split(), fold(source.heading).split()
        yield from _blocks(section.blocks, source.blocks)


def _blocks(blocks: Sequence[Block], german: Sequence[Block]) -> Iterator[Pair]:
    """Block by block where there are as many; otherwise all of them together."""
    together = [([block], [source]) for block, source in zip(blocks, german, strict=False)]
    for some, others in together if len(blocks) == len(german) else [(blocks, german)]:
        yield fold(plain(some)).split(), fold(plain(others)).split()


def _model(pairs: Sequence[Pair]) -> dict[str, dict[str, float]]:
    """How likely each German word is for each word, after some rounds of expectation and maximisation."""
    likely: dict[str, dict[str, float]] = defaultdict(dict)
    for words, german in pairs:
        for word in words:
            likely[word].update(dict.fromkeys(german, 1.0))
    for _ in range(ROUNDS):
        counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for words, german in pairs:
            for other in german:
                total = sum(likely[word].get(other, 0.0) for word in words)
                if total:
                    for word in words:
                        counts[word][other] += likely[word].get(other, 0.0) / total
        likely = defaultdict(dict)
        for word, others in counts.items():
            total = sum(others.values())
            likely[word] = {other: n / total for other, n in others.items() if n / total > NEGLIGIBLE}
    return likely


def write(folder: Path, language: str, words: dict[str, str]) -> Path:
    """Keep a language's lexicon below the knowledge folder."""
    path = folder / "lexicon" / f"{language}.toml"
    path.parent.mkdir(exist_ok=True)
    lines = [f'"{word}" = "{german}"' for word, german in words.items()]
    path.write_text(
        "\n".join(
            (
                "# Learned by `lotse translations lexicon` from the parallel texts, not written by hand.",
                "[words]",
                *lines,
            )
        )
        + "\n",
        encoding="utf-8",
    )
    return path


def read(folder: Path, problems: Problems) -> dict[str, dict[str, str]]:
    """The lexicon of each language that has one."""
    lexicons = {}
    for path in sorted((folder / "lexicon").glob("*.toml")):
        file = TomlFile.read(path, problems)
        if file is not None and not file.broken:
            table = file.table("words")
            lexicons[path.stem] = {word: table.text(word) or "" for word in table.data}
    return lexicons
