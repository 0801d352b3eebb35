"""The embeddable website widget: its TypeScript sources and its few routes."""
