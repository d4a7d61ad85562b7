"""How good a model is, and how fast: measures, the protocol and its sets, comparison, latency."""
