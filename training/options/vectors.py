"""The options of the commands that work with vectors."""

from dataclasses import dataclass

from common.options import REQUIRED, Options, option


@dataclass(frozen=True)
class SimilarOptions(Options):
    """The documents that are most similar to a text"""

    input: str = option(REQUIRED, "the documents to search in: text or JSON lines, one per line")
    ckpt_dir: str = option("checkpoint_lm_save", "a pre-trained or a fine-tuned checkpoint")
    query: str = option("", "the text to search for")
    queries: str = option("", "a file of texts to search for, one per line, instead of --query")
    top_k: int = option(10, "number of similar documents to give for each text", minimum=1)
    vectors: str = option(
        "",
        "file of the documents' vectors (.npy), which is used again if it exists, and written if "
        "it does not; empty: they are not kept",
    )
    output: str = option("-", "output file of JSON lines; -: standard output")
    batch_size: int = option(64, "number of documents in each batch", minimum=1)


@dataclass(frozen=True)
class WordVectorsOptions(Options):
    """A checkpoint's token vectors in word2vec's text format"""

    ckpt_dir: str = option(REQUIRED, "a pre-trained or a fine-tuned checkpoint", positional=True)
    output: str = option("vectors.txt", "output file", positional=True)
