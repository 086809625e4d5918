"""Digits that must not be typed into a text, because they are facts: one table of what gives them away.

Ages, grades, section numbers ("§ 24") and plain counts ("3 yards") match nothing here.
A rule sees Western digits only: `find` turns Arabic and Persian ones into them first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MONTHS_IN_ENGLISH = "january|february|(?-i:March)|april|(?-i:May)|june|july|august|september|october|november|december"
_MONTHS = "|".join(
    (
        "januar|jänner|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember",
        _MONTHS_IN_ENGLISH,
        "يناير|فبراير|مارس|أبريل|ابريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر",
        "كانون|شباط|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول|تشرين",
        "січ(?:ень|ня)|лют(?:ий|ого)|берез(?:ень|ня)|квіт(?:ень|ня)|трав(?:ень|ня)|черв(?:ень|ня)",
        "лип(?:ень|ня)|серп(?:ень|ня)|верес(?:ень|ня)|жовт(?:ень|ня)|листопада?|груд(?:ень|ня)",
    )
)
_MONEY = r"€|eur\b|euros?\b|cents?\b|يورو|سنت|євро|цент"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_START, _END = r"(?<!\d)", r"(?!\d)"

RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (label, re.compile(pattern, re.IGNORECASE))
    for label, pattern in (
        ("an amount of money", rf"\d[\d., \u00a0]*(?:[-–]\s*)?(?:{_MONEY})"),
        ("an amount of money", rf"(?:{_MONEY})\s*\d[\d.,]*"),
        ("a date", rf"{_START}{_DAY}(?:\.|st|nd|rd|th)?\s*(?:of\s+|من\s+)?(?:{_MONTHS})(?!\w)"),
        ("a date", rf"\b(?:{_MONTHS_IN_ENGLISH})\s+{_DAY}{_END}"),
        ("a date", rf"{_START}\d{{1,2}}\.\s?\d{{1,2}}\.(?:\s?\d{{2,4}})?"),
        ("a date", rf"{_START}\d{{1,2}}/\d{{1,2}}/\d{{2,4}}{_END}"),
        ("a date", rf"{_START}\d{{4}}-\d{{2}}(?:-\d{{2}})?{_END}"),
        ("a time of day", rf"{_START}(?:[01]?\d|2[0-4]):[0-5]\d{_END}"),
        ("a time of day", rf"{_START}\d{{1,2}}(?:\.\d{{2}})?\s*(?:uhr\b|o['’]clock\b|[ap]m\b|[ap]\.m\.)"),
        ("a time of day", rf"الساعة\s*\d{{1,2}}{_END}|{_START}\d{{1,2}}\s*(?:صباح|مساء|ظهر|ليل)"),
        ("a time of day", rf"\bоб?\s+\d{{1,2}}{_END}|{_START}\d{{1,2}}\s*(?:годині\b|ранку\b|вечора\b)"),
        ("a phone number", rf"{_START}(?:\+|00)\d[\d /()-]{{5,}}\d"),
        ("a phone number", rf"{_START}0\d{{2,5}}[\s/()-]+\d[\d /-]{{2,}}\d"),
        ("a phone number", rf"\d{{5,}}|{_START}1(?:10|12|15){_END}|{_START}116[\s-]?\d{{3}}{_END}"),
        ("a year", rf"{_START}(?:19|20)\d{{2}}{_END}"),
    )
)

_DIGIT = re.compile(r"\d")
_LAW = re.compile(r"§§?\s*\d+\w*(?:\s*(?:Abs\.|Absatz|Satz|Nr\.)\s*\d+)*")
_WESTERN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")


def find(text: str) -> Iterator[tuple[int, str, str]]:
    """What looks like a fact: (position, what it looks like, the words)."""
    if not _DIGIT.search(text):
        return
    plain = _LAW.sub(lambda law: " " * len(law[0]), text.translate(_WESTERN))
    taken: list[tuple[int, int]] = []
    for label, rule in RULES:
        for match in rule.finditer(plain):
            if all(match.end() <= start or end <= match.start() for start, end in taken):
                taken.append(match.span())
                yield match.start(), label, text[match.start() : match.end()].strip()
