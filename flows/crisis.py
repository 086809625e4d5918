"""Words of acute danger: the right numbers first, in every state, in the person's language."""

from __future__ import annotations

from flows import handover
from flows.core import facts
from flows.core.effects import ChangeTicket, WakeDesk
from flows.core.events import MessageReceived
from flows.core.phrases import Part, phrase
from flows.core.turn import HUMAN, MENU, Turn


def take(turn: Turn) -> bool:
    """Show the numbers when somebody writes of danger; the conversation stays where it is.

    While a human has the case the words reach staff as well, marked urgent (promise 7).
    """
    if not isinstance(turn.event, MessageReceived) or not turn.text or turn.finding.decision != "crisis":
        return False
    language = turn.conversation.language or turn.finding.language or turn.language
    if language not in turn.knowledge.town.languages:
        language = turn.language
    articles = [hit.article for hit in turn.finding.hits if hit.article.startswith("crisis.")][:2]
    parts: list[Part] = [phrase("crisis.programme")]
    for article in articles:
        texts = turn.knowledge.articles[article].texts
        spoken = language if language in texts else "de"
        parts.append(facts.view(turn.knowledge, article, spoken, turn.today))
    turn.update(discreet=True)
    turn.say(
        *parts,
        choices=() if handover.is_open(turn) else (HUMAN, MENU),
        language=language,
        article=articles[0] if articles else None,
        crisis=True,
        discreet=True,
    )
    if handover.is_open(turn):
        turn.update(choices=())
        handover.pass_on(turn, turn.event)
        turn.wish(ChangeTicket(state="waiting-staff", urgent=True))
        turn.wish(WakeDesk(urgent=True))
    else:
        turn.remember("person", turn.text)
        turn.remember("bot", f"article:{articles[0]}" if articles else "crisis")
        turn.update(article=articles[0] if articles else None, topic="crisis")
    return True
