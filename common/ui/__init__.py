"""What the spaces have in common on screen. The only part of ``common`` that knows gradio."""
