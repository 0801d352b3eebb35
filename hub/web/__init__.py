"""HTTP: the REST interface, sessions, security headers, health and metrics."""
