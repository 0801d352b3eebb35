"""The chat channel: visitors on the website talk in the widget over Socket.IO."""
