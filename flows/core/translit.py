"""Other scripts in Latin letters: "wen el doctor", "de biblioteka", "kojast".

People write Arabic, Persian, Russian and Ukrainian with Latin letters and spell by ear, each in their own way. Both
sides are brought to one rough form: what a text in its own script sounds like, and what somebody typed. For Arabic and
Persian the short vowels are not written, so all vowels go and what is left are classes of consonants; for the Cyrillic
languages vowels stay. Two words that sound alike fall together (ح and ه are typed as h by most); the search forgives
that, as it forgives mistakes. What Arabic speakers hear in several ways ("qalb", "2alb") is kept in each of them.
Sources of the letters: common chat alphabets (3 = ع, 7 = ح, 5 = خ, 9 = ص, 2 = ء), and the romanisations of
Ukraine (2010) and of Russian passports with their everyday variants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flows.core.fold import fold

_ARABIC = {
    "ا": "", "ب": "b", "ت": "t", "ث": "t", "ج": "j", "ح": "h", "خ": "5", "د": "d", "ذ": "d", "ر": "r", "ز": "z",
    "س": "s", "ش": "$", "ص": "s", "ض": "d", "ط": "t", "ظ": "z", "ع": "3", "غ": "g", "ف": "f", "ق": "k", "ك": "k",
    "ل": "l", "م": "m", "ن": "n", "ه": "h", "و": "", "ي": "", "ء": "", "پ": "b", "چ": "$", "ژ": "j", "گ": "k",
}  # fmt: skip
_PERSIAN = {
    **_ARABIC,
    "ث": "s", "خ": "5", "ذ": "z", "ض": "z", "ع": "", "غ": "g", "ق": "g", "پ": "p", "چ": "c", "ژ": "j",
    "گ": "g",
}  # fmt: skip
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "h", "д": "d", "е": "e", "є": "e", "э": "e", "ж": "j", "з": "z",
    "и": "i", "і": "i", "ї": "i", "ы": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p",
    "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "q", "ш": "$", "щ": "$", "ь": "",
    "ъ": "", "ю": "u", "я": "a",
}  # fmt: skip
SOUNDS: Mapping[str, Mapping[str, str]] = {"ar": _ARABIC, "fa": _PERSIAN, "uk": _CYRILLIC, "ru": _CYRILLIC}
"""What each letter of a language sounds like; languages that are written in Latin letters are not in it."""

_TYPED_ARABIC = (
    ("kh", "5"), ("gh", "g"), ("sh", "$"), ("ch", "$"), ("th", "t"), ("dh", "d"), ("ou", ""), ("oo", ""), ("ee", ""),
    ("q", "k"), ("2", ""), ("7", "h"), ("8", "g"), ("9", "s"), ("6", "t"), ("p", "b"), ("v", "f"), ("x", "ks"),
    ("c", "k"),
)  # fmt: skip
_TYPED_PERSIAN = (
    ("kh", "5"), ("gh", "g"), ("sh", "$"), ("ch", "c"), ("zh", "j"), ("q", "g"), ("x", "5"), ("w", ""), ("3", ""),
)  # fmt: skip
_TYPED_CYRILLIC = (
    ("shch", "$"), ("sch", "$"), ("kh", "h"), ("ts", "c"), ("tz", "c"), ("ch", "q"), ("sh", "$"),
    ("ya", "a"), ("ja", "a"), ("ia", "a"), ("yu", "u"), ("ju", "u"), ("iu", "u"), ("ye", "e"), ("je", "e"), ("ie", "e"),
    ("yo", "o"), ("jo", "o"), ("yi", "i"), ("ji", "i"), ("ij", "i"), ("aj", "ai"), ("ej", "ei"), ("oj", "oi"),
    ("zh", "j"), ("g", "h"), ("w", "v"), ("x", "h"), ("y", "i"), ("'", ""),
)  # fmt: skip
_TYPED = {"ar": _TYPED_ARABIC, "fa": _TYPED_PERSIAN, "uk": _TYPED_CYRILLIC, "ru": _TYPED_CYRILLIC}

_HEARD_TOO: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "ar": ({"و": "w", "ي": "y"}, {"ق": ""}, {"ث": "s", "ذ": "z", "ظ": "d"})
}
"""Letters that some hear otherwise than `SOUNDS` has them: "rawda" beside "roda", "2alb", "hayda" and "haza"."""

_WAYS = {
    code: (letters, *({**letters, **other} for other in _HEARD_TOO.get(code, ()))) for code, letters in SOUNDS.items()
}
_VOWELS = re.compile(r"[aeiouyw]")
_SHORT_VOWELS = re.compile(r"[aeiou]")
_DOUBLED = re.compile(r"(.)\1+")
_WITHOUT_VOWELS = ("ar", "fa")
_GLIDES = re.compile(r"i(?=[aeou])")


def sound(text: str, language: str) -> str:
    """What a text in the language's own script sounds like, word by word; Latin words in it are read as typed."""
    return " ".join(filter(None, (_sound(word, language, SOUNDS[language]) for word in fold(text).split())))


def ways_heard(text: str, language: str) -> str:
    """The same, with every way in which a word of it is heard; to be compared with `typed_as_heard`."""
    words: list[str] = []
    for word in fold(text).split():
        words += dict.fromkeys(_sound(word, language, letters, language in _HEARD_TOO) for letters in _WAYS[language])
    return " ".join(filter(None, words))


def _sound(word: str, language: str, letters: Mapping[str, str], glides: bool = False) -> str:
    if language in _WITHOUT_VOWELS and len(word) > 2:
        word = word.removesuffix("ه")  # at the end it is heard as a vowel, and so is ة
    heard = "".join(letters.get(c, c) for c in word)
    if any("a" <= c <= "z" for c in word):
        heard = _typed(word, language)
    return _rough(heard, language, glides)


def typed(text: str, language: str) -> str:
    """What somebody who writes that language in Latin letters meant, in the form of `sound`."""
    return " ".join(filter(None, (_rough(_typed(word, language), language) for word in fold(text).split())))


def typed_as_heard(text: str, language: str) -> str:
    """The same in the form of `ways_heard`."""
    glides = language in _HEARD_TOO
    return " ".join(filter(None, (_rough(_typed(word, language), language, glides) for word in fold(text).split())))


def _typed(word: str, language: str) -> str:
    for written, heard in _TYPED[language]:
        word = word.replace(written, heard)
    return word


def _rough(heard: str, language: str, glides: bool = False) -> str:
    """Without vowels where they are not written, but with w and y where `glides` are heard; no letter twice."""
    if language in _WITHOUT_VOWELS:
        heard = (_SHORT_VOWELS if glides else _VOWELS).sub("", heard)
    else:
        heard = _GLIDES.sub("", heard)
    return _DOUBLED.sub(r"\1", heard)


_SERBIAN_PAIRS = (("lj", "љ"), ("nj", "њ"), ("dž", "џ"))
_SERBIAN = str.maketrans("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш")


def serbian_cyrillic(text: str) -> str:
    """A Serbian text in Latin letters in the language's other script, letter by letter."""
    lower = text.lower()
    for pair, letter in _SERBIAN_PAIRS:
        lower = lower.replace(pair, letter)
    return lower.translate(_SERBIAN)
