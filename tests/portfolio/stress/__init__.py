"""Tests of heatlab.portfolio.stress."""
