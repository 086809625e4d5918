"""School duty: must my child go, and where does the place come from."""

from __future__ import annotations

import datetime as dt
import re

from flows.core.definition import Flow, Node, Option, Reader, Reading
from flows.core.phrases import phrase

# The ages that matter: SchulG LSA § 37 (begin, six by 30 June), § 40 (nine years full time, twelve in all).
STARTS_AT = 6
FULL_TIME_UNTIL = 15
OLDEST = 21


def read_age(text: str, today: dt.date) -> Reading | None:
    """The node for an age typed in years, in the digits of any script; None when there is no single age in it."""
    numbers = re.findall(r"\d+", text)
    if len(numbers) != 1 or len(numbers[0]) > 2 or int(numbers[0]) > OLDEST:
        return None
    age = int(numbers[0])
    if age < STARTS_AT:
        return Reading(to="younger")
    return Reading(to="of-age" if age <= FULL_TIME_UNTIL else "older")


SCHOOL = Flow(
    name="school",
    nodes=(
        Node(
            name="start",
            says=(phrase("school.start"),),
            options=(
                Option(value="duty", label=phrase("school.start.duty.label"), to="age"),
                Option(value="place", label=phrase("school.start.place.label"), to="place"),
                Option(value="absent", label=phrase("school.start.absent.label"), to="article:school.absence"),
                Option(value="costs", label=phrase("school.start.costs.label"), to="article:school.costs"),
                Option(value="trouble", label=phrase("school.start.trouble.label"), to="trouble"),
                Option(value="kinds", label=phrase("school.start.kinds.label"), to="article:school.system"),
            ),
        ),
        Node(
            name="age",
            says=(phrase("school.age"),),
            options=(
                Option(value="younger", label=phrase("school.age.younger.label"), to="younger"),
                Option(value="of-age", label=phrase("school.age.of-age.label"), to="of-age"),
                Option(value="older", label=phrase("school.age.older.label"), to="older"),
            ),
            reader=Reader(
                read=read_age,
                to=("younger", "of-age", "older"),
                again=phrase("school.age.again"),
                wants_number=True,
            ),
        ),
        Node(
            name="younger",
            says=(phrase("school.younger"),),
            shows="school.duty",
            options=(
                Option(
                    value="register",
                    label=phrase("school.place.first-grade.label"),
                    to="article:school.register-first-grade",
                ),
            ),
        ),
        Node(
            name="of-age",
            says=(phrase("school.of-age"),),
            shows="school.duty",
            options=(Option(value="place", label=phrase("school.of-age.place.label"), to="place"),),
        ),
        Node(
            name="older",
            says=(phrase("school.older"),),
            shows="school.duty",
            options=(
                Option(
                    value="vocational",
                    label=phrase("school.place.older.label"),
                    to="article:school.vocational",
                ),
                Option(value="place", label=phrase("school.of-age.place.label"), to="place"),
            ),
        ),
        Node(
            name="place",
            says=(phrase("school.place"),),
            options=(
                Option(
                    value="newly-arrived",
                    label=phrase("school.place.newly-arrived.label"),
                    to="article:school.register-newly-arrived",
                ),
                Option(
                    value="first-grade",
                    label=phrase("school.place.first-grade.label"),
                    to="article:school.register-first-grade",
                ),
                Option(value="older", label=phrase("school.place.older.label"), to="article:school.vocational"),
            ),
        ),
        Node(
            name="trouble",
            says=(phrase("school.trouble"),),
            options=(
                Option(
                    value="german",
                    label=phrase("school.trouble.german.label"),
                    to="article:school.language-support",
                ),
                Option(
                    value="teacher",
                    label=phrase("school.trouble.teacher.label"),
                    to="article:school.talk-to-teacher",
                ),
                Option(value="skips", label=phrase("school.trouble.skips.label"), to="article:school.truancy"),
            ),
        ),
    ),
)
