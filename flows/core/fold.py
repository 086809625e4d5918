"""Folding: what people type and what texts say, brought to one form in which spelling habits do not matter.

The form has words of letters and Western digits, one blank between them: lower case, no accents, Arabic and Persian
letter variants as one, no vowel marks. German umlauts are typed as "ue" or as a bare "u", Turkish ones as a bare "u":
all three become "u", so an e after a, o, u goes too ("neue" is "nue" on both sides). Both sides of every comparison
are folded.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_BEFORE = str.maketrans({"ß": "ss", "ı": "i", "đ": "d", "ł": "l", "ø": "o"})
_WRITTEN_OUT = re.compile("(?<=[aou])e+")
_AFTER = str.maketrans(
    {
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ۀ": "ه", "ک": "ك",
        "ـ": "",  # the stretching line
        "\u200c": "", "\u200d": "",  # joiners
        "'": "", "’": "", "ʼ": "", "`": "", "´": "",  # inside Ukrainian and English words
    }
)  # fmt: skip


def fold(text: str) -> str:
    """The folded form; "" when there is no letter or digit in it."""
    composed = unicodedata.normalize("NFKC", text).lower().translate(_BEFORE).translate(_AFTER)
    letters = []
    for c in unicodedata.normalize("NFKD", composed).translate(_AFTER):
        if unicodedata.combining(c):
            continue
        if c.isdecimal():
            letters.append(str(unicodedata.decimal(c)))
        elif c.isalpha():
            letters.append(c)
        else:
            letters.append(" ")
    return _WRITTEN_OUT.sub("", " ".join("".join(letters).split()))


def joined(folded: str) -> str:
    """The words, and each two neighbours as one: Vietnamese writes its syllables apart, and most words have two."""
    words = folded.split()
    return " ".join((*words, *(f"{a}·{b}" for a, b in pairwise(words))))


def near(a: str, b: str) -> bool:
    """Whether two words differ by at most one letter, or two neighbouring ones changed places."""
    if abs(len(a) - len(b)) > 1:
        return False
    i = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return (
        a[i + 1 :] == b[i:]
        or a[i:] == b[i + 1 :]
        or a[i + 1 :] == b[i + 1 :]
        or (a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :])
    )
