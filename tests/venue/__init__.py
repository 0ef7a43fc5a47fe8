"""A venue on the loopback: serves any market source in the wire formats of Binance USD-M, OKX and Bybit."""
