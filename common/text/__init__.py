"""Decoder-only language models: sampling, the engines that run them, and the views inside."""
