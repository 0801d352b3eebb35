"""A contact centre's day on the very engine: arrivals, agents, an event loop, and the figures with their intervals.

Pure: time is simulated and randomness is passed in, so the same seed gives the same numbers.
"""
