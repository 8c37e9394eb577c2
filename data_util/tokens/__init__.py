"""Text to token ids: tokenizers, vocabulary, sentences, word vectors."""
