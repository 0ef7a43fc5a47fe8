"""Colours of correlation clusters: the same label has the same colour in every figure and through time."""

from __future__ import annotations

from heatlab.figures.theme import Theme

CLUSTER_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
"""Okabe and Ito's colours for every kind of colour vision; beyond seven clusters they repeat, the name tells."""


def cluster_colour(label: int, theme: Theme) -> str:
    """Colour of a cluster label; the muted colour of the theme for 0, no cluster."""
    return CLUSTER_COLOURS[(label - 1) % len(CLUSTER_COLOURS)] if label > 0 else theme.muted
