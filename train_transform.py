"""A Transformer from random weights on labelled documents: step 2 without step 1."""

from train_bert_fine_tuning import fine_tune
from training.command_line import run
from training.options import TransformOptions

if __name__ == "__main__":
    run(fine_tune, TransformOptions, "train a Transformer from random weights")
