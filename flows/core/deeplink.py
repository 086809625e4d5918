"""Deep links: `v1_<language>_<topic or article>_<district number>_<code>`, the same on every channel.

At most 64 characters of [A-Za-z0-9_-]; a dot of an article's id is written "-" after the topic. Unknown parts are
ignored one by one, so that an old card still opens something. The code carries no right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ALLOWED = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[a-z2-7]{10}")


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a deep link says; empty parts say nothing."""

    language: str = ""
    target: str = ""  # "waste" or "waste.bulky"
    district: str = ""
    code: str = ""


def read(payload: str) -> Link:
    """The link in a payload; an empty Link for garbage."""
    if not _ALLOWED.fullmatch(payload):
        return Link()
    version, *parts = payload.split("_")
    if version != "v1":
        return Link()
    language, target, district, code, *_ = (*parts, "", "", "", "")
    return Link(
        language=language,
        target=target.replace("-", ".", 1),
        district=district if district.isdecimal() else "",
        code=code.lower() if _CODE.fullmatch(code.lower()) else "",
    )


def write(link: Link) -> str:
    """The payload that `read` reads back."""
    return "_".join(("v1", link.language, link.target.replace(".", "-", 1), link.district, link.code)).rstrip("_")
