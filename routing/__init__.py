"""The routing engine (pure) and the dispatcher that drives it."""
