"""What runs a translation model: ctranslate2 on a processor, transformers on a graphics card."""
