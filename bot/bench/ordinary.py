"""The same flow as most bots are written: python-telegram-bot's ConversationHandler with PicklePersistence.

`python -m bot.bench.ordinary ORIGIN FILE WHEN` runs it. It has no search, no database, no other languages: what it
costs is the framework, which handles one update after the other. WHEN it writes its states to the file is
"sometimes" (its default: once a minute, and a crash loses the minute) or "always" (after each update).
"""

from __future__ import annotations

import sys
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    PicklePersistence,
    TypeHandler,
    filters,
)

from bot.bench.people import TOKEN

LANGUAGE, TOPIC, QUESTION, FEEDBACK = range(4)
HELLO = "Ich bin ein Computer-Programm. Kein Konto. Bitte schreiben Sie keine Namen. " * 3
ANSWER = "Sperrmüll: alte Möbel abholen lassen. Sofa, Schrank, Bett, Matratze, Teppich, Fahrrad. " * 12


def keyboard(*ids: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(one, callback_data=one)] for one in ids])


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    assert update.message is not None
    await update.message.reply_text(
        "Bitte wählen Sie Ihre Sprache.", reply_markup=keyboard("language:de", "language:en")
    )
    return LANGUAGE


async def language(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    chat = await _pressed(update, context, "language")
    await context.bot.send_message(chat, HELLO)
    topics = keyboard("topic:school", "topic:waste", "topic:noise", "topic:work", "human", "language")
    await context.bot.send_message(chat, "Worum geht es?", reply_markup=topics)
    return TOPIC


async def topic(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    chat = await _pressed(update, context, "topic")
    await context.bot.send_message(chat, "Was möchten Sie wissen?", reply_markup=keyboard("bulky", "bin", "human"))
    return QUESTION


async def question(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    assert update.message is not None
    assert context.user_data is not None
    context.user_data["question"] = update.message.text
    await update.message.reply_text(ANSWER, reply_markup=keyboard("helped", "not-helped", "menu", "human"))
    return FEEDBACK


async def feedback(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    chat = await _pressed(update, context, "feedback")
    await context.bot.send_message(chat, "Das freut mich.", reply_markup=keyboard("menu"))
    return ConversationHandler.END


async def write(update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write what has changed to the file."""
    await context.application.update_persistence()


async def _pressed(update: Update, context: ContextTypes.DEFAULT_TYPE, name: str) -> int:
    query = update.callback_query
    assert query is not None
    assert context.user_data is not None
    await query.answer()
    context.user_data[name] = query.data
    return query.from_user.id


def main(origin: str, file: str, when: str) -> None:
    """Run until told to stop."""
    application: Any = (
        Application.builder()
        .token(TOKEN)
        .base_url(f"{origin}/bot")
        .persistence(PicklePersistence(filepath=file))
        .build()
    )
    application.add_handler(
        ConversationHandler(
            entry_points=[CommandHandler("start", start)],
            states={
                LANGUAGE: [CallbackQueryHandler(language, pattern="^language:")],
                TOPIC: [CallbackQueryHandler(topic, pattern="^topic:")],
                QUESTION: [MessageHandler(filters.TEXT & ~filters.COMMAND, question)],
                FEEDBACK: [CallbackQueryHandler(feedback, pattern="helped$")],
            },
            fallbacks=[CommandHandler("start", start)],
            name="flow",
            persistent=True,
        )
    )
    if when == "always":
        application.add_handler(TypeHandler(Update, write), group=1)
    application.run_polling(allowed_updates=["message", "callback_query"])


if __name__ == "__main__":
    main(*sys.argv[1:])
