"""Which of both a pre-trained checkpoint does: fill in masks, or continue texts."""

from data_util.tokens.tokenizer_files import load_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import Checkpoint
from models.registry import OBJECTIVES
from tasks.language_model.continue_text import ContinueText
from tasks.language_model.fill_mask import FillMask
from tasks.language_model.task import LanguageModel


def pretrained_task(checkpoint: Checkpoint) -> LanguageModel | None:
    """The task of a pre-trained checkpoint; None if no objective of it predicts tokens of a text.

    Raises:
        CheckpointError, InputError: its files are not as pre-training writes them.
    """
    names = checkpoint.config.get("objectives")
    # What is wrong with them says whoever loads the model.
    known = [name for name in names if name in OBJECTIVES] if isinstance(names, list) else []
    predicts = {getattr(OBJECTIVES[name], "predicts", "") for name in known} - {""}
    if not predicts:
        return None
    vocabulary = Vocabulary.load(checkpoint.path("vocab.txt"))
    tokenizer = load_tokenizer(checkpoint.path("tokenizer.json"), vocabulary)
    kind = ContinueText if "next" in predicts else FillMask
    longest = checkpoint.backbone.max_position
    return kind(vocabulary, tokenizer.style, longest, checkpoint.folder)
