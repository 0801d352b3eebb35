"""Callbacks: calls that a customer asked for, now or at a time of his choice, until both talk or it is given up."""
