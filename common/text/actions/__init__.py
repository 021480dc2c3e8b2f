"""Tools that a model may call, and the loop that lets it."""
