"""Text to batches: documents, tokenizers, vocabularies, caches; independent of any model."""
