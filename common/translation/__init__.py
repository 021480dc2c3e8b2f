"""Encoder-decoder translation models: find them, run them, split and join texts, look inside. Knows no page."""
