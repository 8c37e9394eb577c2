"""Text to batches: documents, tokenizers, vocabularies, caches. Knows nothing of models."""
