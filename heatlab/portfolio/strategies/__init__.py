"""Two strategies side by side: their books or trades, what they earned and at which risk, and the verdict."""
