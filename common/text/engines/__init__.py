"""The three ways a text model runs here: openvino-genai, transformers, and a remote server."""
