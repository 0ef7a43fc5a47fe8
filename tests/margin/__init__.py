"""Tests of heatlab.margin."""
