"""Noise: when it must be quiet, what one may do oneself, and what helps against loud neighbours."""

from __future__ import annotations

from flows.core.definition import Flow, Node, Option
from flows.core.phrases import phrase

NOISE = Flow(
    name="noise",
    nodes=(
        Node(
            name="start",
            says=(phrase("noise.start"),),
            options=(
                Option(value="quiet", label=phrase("noise.start.quiet.label"), to="article:noise.quiet-hours"),
                Option(value="loud", label=phrase("noise.start.loud.label"), to="loud"),
                Option(value="party", label=phrase("noise.start.party.label"), to="article:noise.party"),
                Option(value="children", label=phrase("noise.start.children.label"), to="article:noise.children"),
            ),
        ),
        Node(
            name="loud",
            says=(phrase("noise.loud"),),
            options=(
                Option(value="danger", label=phrase("noise.loud.danger.label"), to="danger"),
                Option(value="now", label=phrase("noise.loud.now.label"), to="article:noise.complain"),
                Option(value="often", label=phrase("noise.loud.often.label"), to="article:neighbours.conflict"),
            ),
        ),
        Node(name="danger", says=(phrase("noise.danger"),), shows="crisis.violence", offers_human=True),
    ),
)
