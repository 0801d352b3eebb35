"""Mail as it is written: parsed, composed, sanitised (pure), and the processes that take mails apart."""
