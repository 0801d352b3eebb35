"""The SIP user agent (RFC 3261): pure but for the transport shell; bytes and times in, bytes and events out."""
