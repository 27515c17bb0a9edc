"""Slack as the voice: cards and forms (blocks), what people press (actions), and the messenger that carries them."""
