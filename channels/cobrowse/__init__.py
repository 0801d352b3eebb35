"""Co-browsing: a customer shows his page to the agent of his contact, and says what that agent may do there."""
