"""What a shock of the market, or a day of the past, would do to a book: P&L, liquidations, margin left."""
