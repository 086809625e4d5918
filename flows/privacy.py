"""What is stored, and how to have it removed."""

from __future__ import annotations

from flows import handover
from flows.core.effects import ChangeTicket, Forget
from flows.core.phrases import Phrase, phrase
from flows.core.turn import HUMAN, MENU, NO, YES, Turn


def ask_delete(turn: Turn) -> None:
    """One question before everything is removed."""
    turn.update(flow="privacy", node="delete")
    turn.say(phrase("privacy.delete"), choices=(YES, NO))


def answer_delete(turn: Turn, agreed: bool) -> None:
    """Remove everything and say what could not be reached; or leave all as it was."""
    if not agreed:
        turn.say(phrase("privacy.kept"), choices=() if handover.is_open(turn) else (MENU, HUMAN))
        return
    if handover.is_open(turn):
        turn.wish(ChangeTicket(state="closed", outcome="no-reply"))
    turn.say(phrase("privacy.deleted"), _kept_elsewhere(turn))
    turn.wish(Forget())


def _kept_elsewhere(turn: Turn) -> Phrase:
    """What the bot cannot delete, where this person writes."""
    match turn.event.source.channel:
        case "telegram":
            return phrase("privacy.deleted-telegram")
        case "matrix":
            return phrase("privacy.deleted-matrix")
    return phrase("privacy.deleted-here")


def take_waiting(turn: Turn) -> bool:
    """A yes or no to consent or deletion; another text leaves the question and is a question itself."""
    if turn.waiting not in ("privacy.delete", "handover.consent"):
        return False
    yes = turn.choice == "yes" or turn.means("yes")
    no = turn.choice == "no" or turn.means("no")
    deleting = turn.waiting == "privacy.delete"
    if not (yes or no):
        turn.update(flow=None, node=None)
        return False
    turn.update(flow=None, node=None)
    if deleting:
        answer_delete(turn, agreed=yes)
    else:
        handover.answer_consent(turn, agreed=yes)
    return True
