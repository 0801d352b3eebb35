"""Flows: what a caller or a visitor is asked and told before somebody talks to him. All of it is pure."""
