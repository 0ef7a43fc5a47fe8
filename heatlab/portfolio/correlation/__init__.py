"""Correlation of a book: rolling estimate, breaks, pairs and clusters."""
