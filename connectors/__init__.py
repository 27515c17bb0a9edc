"""Ears: the outside world -> Post. Each platform is one module here, imported only when a source needs it."""
