"""The agent, supervisor and admin pages: their shells, sockets and TypeScript sources."""
