"""What a language model is put to: tasks on top of a text engine, told as typed events."""
