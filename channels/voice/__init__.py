"""The voice channel: calls from the telephone network, desk phones and the web page."""
