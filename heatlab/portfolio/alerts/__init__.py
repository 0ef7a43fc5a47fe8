"""Alerts: when something is worth one, which there are now, which are new and which are over."""
