"""The e-mail channel: mail in over IMAP and SMTP, threads, and mail out."""
