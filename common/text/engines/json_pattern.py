"""A JSON schema as a regular expression, for engines that constrain by one.

Between the signs of the JSON no white space is allowed: a small model that may write some can go on with it for ever.
"""

from __future__ import annotations

from functools import lru_cache

from outlines_core.json_schema import build_regex_from_schema


@lru_cache(maxsize=64)
def json_pattern(schema: str) -> str:
    """The expression that exactly the JSON texts of the schema match. Raises ValueError: no usable schema."""
    try:
        return str(build_regex_from_schema(schema, ""))
    except TypeError as problem:  # what the library raises for texts that are no JSON
        raise ValueError(str(problem)) from problem
