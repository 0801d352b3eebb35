"""The voice channel: calls from the telephone network and from the web page."""
