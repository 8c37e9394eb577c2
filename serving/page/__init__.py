"""The page on which texts, and files of texts, are labelled in a browser."""
