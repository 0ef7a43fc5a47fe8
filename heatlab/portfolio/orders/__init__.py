"""From risk to proposed orders: what they cost, what they change, and a check before one is placed. Nothing is sent."""
