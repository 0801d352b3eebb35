"""Mail: parse, compose, thread and sanitise messages (pure), and the IMAP and SMTP clients."""
