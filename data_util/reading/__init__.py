"""Files to records: lines, documents, labels, pairs of texts."""
