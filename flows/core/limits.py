"""Every limit of the conversation, in one place."""

QUESTION_CHARACTERS = 2000
"""A longer text is cut for search and asked to be shorter; staff get it whole."""

LABEL_CHARACTERS = 48
"""A longer label is cut by small phones; `lotse check` refuses it."""

CHOICE_ID_BYTES = 40
"""Below Telegram's 64 bytes of callback data, with room for a prefix."""

RECENT_TURNS = 6
"""How much of the talk a brief can show to staff."""

MENU_TOPICS = 8
"""Topics in the first menu; the others are one tap further, so that a small phone shows the way to a human."""

CHOICES_OFFERED = 3
"""Near hits offered as buttons."""

BACK_TO_CASE_DAYS = 14
"""How long after closing a person is offered to return to the same case."""
