"""Waste: what goes where, and how to get rid of bulky things."""

from __future__ import annotations

from flows.core.definition import Flow, Node, Option
from flows.core.phrases import phrase

WASTE = Flow(
    name="waste",
    nodes=(
        Node(
            name="start",
            says=(phrase("waste.start"),),
            options=(
                Option(value="bulky", label=phrase("waste.start.bulky.label"), to="bulky"),
                Option(value="where", label=phrase("waste.start.where.label"), to="where"),
                Option(value="bin", label=phrase("waste.start.bin.label"), to="article:waste.collection"),
                Option(value="yard", label=phrase("waste.start.yard.label"), to="article:waste.recycling-yard"),
                Option(value="street", label=phrase("waste.start.street.label"), to="article:waste.fines"),
            ),
        ),
        Node(
            name="where",
            says=(phrase("waste.where"),),
            options=(
                Option(value="daily", label=phrase("waste.where.daily.label"), to="article:waste.sorting"),
                Option(
                    value="hazardous",
                    label=phrase("waste.where.hazardous.label"),
                    to="article:waste.hazardous-electronics",
                ),
                Option(value="bottles", label=phrase("waste.where.bottles.label"), to="article:waste.deposit"),
                Option(value="bulky", label=phrase("waste.start.bulky.label"), to="bulky"),
            ),
        ),
        Node(
            name="bulky",
            says=(phrase("waste.bulky"),),
            options=(
                Option(value="pick-up", label=phrase("waste.bulky.pick-up.label"), to="article:waste.bulky"),
                Option(value="bring", label=phrase("waste.bulky.bring.label"), to="article:waste.recycling-yard"),
            ),
        ),
    ),
)
