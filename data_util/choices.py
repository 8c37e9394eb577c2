"""The names that options may choose from; loads nothing, so that `--help` is quick."""

# How text becomes tokens, see `data_util.tokens.tokenizers`.
TOKENIZE_STYLES = ("word", "char", "space", "wordpiece")
# How the spelling of a text is made uniform, see `data_util.tokens.normalization`.
NORMALIZATIONS = ("none", "nfc", "nfkc")
# What a document of plain text is, see `data_util.reading.documents`.
UNITS = ("document", "sentence", "file")
# Which labels of a CAIL2018 record are meant unless another field is named.
DEFAULT_LABEL_FIELD = "accusation"
MASKINGS = ("token", "whole_word", "ngram", "span", "phrase")
