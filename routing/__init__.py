"""The routing engine (pure, sans-IO) and the dispatcher that drives it."""
