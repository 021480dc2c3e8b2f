"""Prompts for a visitor who has none: names that the emoji model has learned, and scenes for the larger ones."""

from __future__ import annotations

import random

from common.catalog import Model

EMOJI = (
    "red apple",
    "fox",
    "ghost",
    "rocket",
    "rainbow",
    "octopus",
    "pizza",
    "cat face with tears of joy",
    "snowman",
    "sunflower",
    "hamburger",
    "unicorn",
    "mushroom",
    "house with garden",
    "crescent moon",
    "strawberry",
    "robot",
    "penguin",
    "birthday cake",
    "red heart",
    "cactus",
    "alien",
    "soccer ball",
    "butterfly",
    "fire",
    "smiling face with sunglasses",
    "green book",
    "locomotive",
    "pear",
    "volcano",
    # put together out of words it knows, as no picture it has seen
    "blue cat face",
    "fox with glasses",
    "green heart with eyes",
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
