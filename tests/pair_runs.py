"""Files of pairs of texts, and runs of both steps on them."""

import numpy as np

from training.options.scripts import FineTuningOptions, PretrainingOptions

WORDS = ("甲", "乙", "丙", "丁", "戊", "己")


def pair_lines(count, seed):
    """`same` where both texts begin with the same word."""
    random = np.random.default_rng(seed)
    lines = []
    for index in range(count):
        first, second = random.choice(WORDS, 2, replace=False)
        label, second = ("same", first) if index % 2 else ("different", second)
        tails = ["".join(random.choice(["天", "地", "人"], 3)) for _ in range(2)]
        lines.append(f"{first}{tails[0]}\t{second}{tails[1]} __label__{label}\n")
    return lines


class Pairs:
    """Files of pairs, and runs on them."""

    def __init__(self, folder) -> None:
        self.folder = folder
        for name, count, seed in (("train", 200, 1), ("valid", 40, 2), ("test", 40, 3)):
            (folder / f"{name}.txt").write_text("".join(pair_lines(count, seed)), "utf-8")

    def options(self, **changes):
        values = {
            f"{option}_data_file": [str(self.folder / f"{name}.txt")]
            for option, name in (("training", "train"), ("valid", "valid"), ("test", "test"))
        }
        values |= {
            "data_path": str(self.folder / "data"),
            "process_num": 1,
            "sequence_length": 16,
            "batch_size": 32,
            "num_epochs": 1,
            "task": "multi_class",
            "ckpt_dir_save": str(self.folder / "save"),
            "overwrite": True,
        }
        return FineTuningOptions(**(values | changes))

    def pretraining(self, name, **changes):
        from train_bert_lm import pretrain

        options = {
            "mask_lm_source_file": [str(self.folder / "train.txt")],
            "data_path": str(self.folder / "data"),
            "process_num": 1,
            "tokenize_style": "char",
            "preset": "tiny",
            "d_model": 16,
            "num_header": 2,
            "num_filters": 8,
            "min_count": 1,
            "sequence_length_lm": 16,
            "num_epochs": 1,
            "ckpt_dir": str(self.folder / name),
        }
        pretrain(PretrainingOptions(**(options | changes)))
        return str(self.folder / name)
