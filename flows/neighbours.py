"""Neighbours: the rules of the house, a quarrel, a barbecue."""

from __future__ import annotations

from flows.core.definition import Flow, Node, Option
from flows.core.phrases import phrase

NEIGHBOURS = Flow(
    name="neighbours",
    nodes=(
        Node(
            name="start",
            says=(phrase("neighbours.start"),),
            options=(
                Option(
                    value="rules",
                    label=phrase("neighbours.start.rules.label"),
                    to="article:neighbours.house-rules",
                ),
                Option(value="quarrel", label=phrase("neighbours.start.quarrel.label"), to="quarrel"),
                Option(
                    value="barbecue",
                    label=phrase("neighbours.start.barbecue.label"),
                    to="article:neighbours.barbecue",
                ),
                Option(value="noise", label=phrase("neighbours.start.noise.label"), to="noise.start"),
            ),
        ),
        Node(
            name="quarrel",
            says=(phrase("neighbours.quarrel"),),
            options=(
                Option(value="danger", label=phrase("noise.loud.danger.label"), to="noise.danger"),
                Option(
                    value="talk",
                    label=phrase("neighbours.quarrel.talk.label"),
                    to="article:neighbours.conflict",
                ),
                Option(value="loud", label=phrase("neighbours.quarrel.loud.label"), to="noise.loud"),
            ),
        ),
    ),
)
