"""Multiple choice: one of several choices answers a question, perhaps about a text."""
