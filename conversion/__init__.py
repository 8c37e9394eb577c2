"""To and from other programs: exports, and released models in and out."""
