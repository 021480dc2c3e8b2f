"""Training a language model: from text to a model folder, as a run that lives in a directory of its own."""
