"""What a run starts from: the architecture, the tokenizer, word vectors."""
