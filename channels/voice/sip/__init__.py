"""SIP: messages, transactions, dialogs and the user agent (pure), and the transport that carries them."""
