"""Prompts for a visitor who has none: names that the emoji model has learned, and scenes for the larger ones."""

from __future__ import annotations

import random

from common.catalog import Model

EMOJI = (
    "red apple",
    "fox",
    "ghost",
    "penguin",
    "sunflower",
    "unicorn",
    "strawberry",
    "robot",
    "red heart",
    "alien",
    "smiling face with sunglasses",
    "pear",
    "panda",
    "owl",
    "tiger face",
    "watermelon",
    "lemon",
    "carrot",
    "cat with tears of joy",
    "heart on fire",
    "tulip",
    "monkey face",
    "pig face",
    "grapes",
    "elephant",
    "nerd face",
    "blue circle",
    "flamingo",
    "face blowing a kiss",
    "rose",
    # put together out of words it knows, as no picture it has seen
    "blue cat face",
    "fox with glasses",
    "yellow apple",
)
SCENES = (
    "a lighthouse on a cliff at sunset, oil painting",
    "a fox reading a newspaper in a café",
    "a small robot watering flowers, soft light",
    "a mountain lake in winter, morning mist",
    "a steam locomotive made of glass",
    "a bowl of strawberries, macro photograph",
    "an owl with round glasses, portrait",
    "a city on the back of a turtle",
    "a knitted elephant on a wooden table",
    "a library inside a hollow tree",
)


def surprise(model: Model) -> str:
    """One of them by chance."""
    return random.choice(SCENES if model.size >= 256 else EMOJI)  # noqa: S311 - no secret
