"""Files to records: line formats, documents, labels, pairs of texts."""
