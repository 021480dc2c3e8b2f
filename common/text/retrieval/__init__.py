"""Retrieval: documents cut into chunks, found again by words (BM25) and by meaning (embeddings), put before a model."""
