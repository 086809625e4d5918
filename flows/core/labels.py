"""Phrases that belong to a value (a topic, a kind of file, an outcome), as tables.

They stand here as literals, so that the extraction collects each of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from flows.core.phrases import Phrase, phrase

TOPICS: Mapping[str, Phrase] = {
    "school": phrase("topic.school.label"),
    "jobcenter": phrase("topic.jobcenter.label"),
    "waste": phrase("topic.waste.label"),
    "noise": phrase("topic.noise.label"),
    "neighbours": phrase("topic.neighbours.label"),
    "childcare": phrase("topic.childcare.label"),
    "family": phrase("topic.family.label"),
    "work": phrase("topic.work.label"),
    "language": phrase("topic.language.label"),
    "residence": phrase("topic.residence.label"),
    "housing": phrase("topic.housing.label"),
    "public": phrase("topic.public.label"),
    "health": phrase("topic.health.label"),
    "debt": phrase("topic.debt.label"),
    "rights": phrase("topic.rights.label"),
    "leisure": phrase("topic.leisure.label"),
    "community": phrase("topic.community.label"),
    "crisis": phrase("topic.crisis.label"),
    "bot": phrase("topic.bot.label"),
}

UNREADABLE: Mapping[str, Phrase] = {
    "voice": phrase("file.voice"),
    "audio": phrase("file.voice"),
    "photo": phrase("file.photo"),
    "video": phrase("file.video"),
    "document": phrase("file.document"),
    "sticker": phrase("file.sticker"),
    "location": phrase("file.location"),
    "contact": phrase("file.contact"),
    "poll": phrase("file.other"),
    "locked": phrase("file.locked"),
    "other": phrase("file.other"),
}
"""What is said about a file that the bot cannot read."""

KINDS: Mapping[str, Phrase] = {
    "voice": phrase("kind.voice"),
    "audio": phrase("kind.voice"),
    "photo": phrase("kind.photo"),
    "video": phrase("kind.video"),
    "document": phrase("kind.document"),
    "sticker": phrase("kind.sticker"),
    "location": phrase("kind.location"),
    "poll": phrase("kind.other"),
    "locked": phrase("kind.locked"),
    "other": phrase("kind.other"),
}
"""What staff read about a file."""

FAILURES: Mapping[str, Phrase] = {
    "blocked": phrase("desk.failed.blocked"),
    "gone": phrase("desk.failed.gone"),
    "refused": phrase("desk.failed.refused"),
    "gave-up": phrase("desk.failed.gave-up"),
}

OUTCOMES: Mapping[str, Phrase] = {
    "answered": phrase("outcome.answered"),
    "referred": phrase("outcome.referred"),
    "no-reply": phrase("outcome.no-reply"),
    "unreachable": phrase("outcome.unreachable"),
}

LANGUAGES: Mapping[str, Phrase] = {
    "de": phrase("language.de.label"),
    "en": phrase("language.en.label"),
    "ar": phrase("language.ar.label"),
    "uk": phrase("language.uk.label"),
    "ru": phrase("language.ru.label"),
    "fa": phrase("language.fa.label"),
    "ro": phrase("language.ro.label"),
    "tr": phrase("language.tr.label"),
    "fr": phrase("language.fr.label"),
    "vi": phrase("language.vi.label"),
    "kmr": phrase("language.kmr.label"),
    "sq": phrase("language.sq.label"),
    "sr": phrase("language.sr.label"),
    "hu": phrase("language.hu.label"),
}
"""Languages as each other's speakers call them."""
