"""The small runs that `benchmarks.equality` compares."""

import string
from collections.abc import Sequence

_COMMON = (
    "--data_path={work}/data",
    "--process_num=1",
    "--seed=7",
    "--num_epochs=2",
    "--batch_size=32",
)
_CONTINUED = (
    "train_bert_lm.py",
    "--ckpt_dir={out}",
    *_COMMON,
    "--sequence_length_lm=64",
    "--num_sampled=256",
    "--valid_ratio=0.1",
)
_PRETRAINING = (*_CONTINUED, "--preset=tiny")
_TUNING = ("--ckpt_dir_save={out}", *_COMMON, "--sequence_length=64", "--warmup_ratio=0.2")
_FINE_TUNING = ("train_bert_fine_tuning.py", *_TUNING)


def _free_text(name: str) -> str:
    return f"--mask_lm_source_file={{inputs}}/{name}.txt"


def _labelled(name: str) -> tuple[str, ...]:
    splits = {"training": "train", "valid": "valid", "test": "test"}
    return tuple(
        f"--{key}_data_file={{inputs}}/{name}_{split}.txt" for key, split in splits.items()
    )


# The script and options of each run by its name, with the option names of the current version.
# `{out}` is the output of the run, `{inputs}` the folder of `equality_inputs`, `{work}` the folder
# of caches, and the name of another run is the output of that run.
RUNS: dict[str, tuple[str, ...]] = {
    "pretraining_text_cnn_char": (
        *_PRETRAINING,
        "--backbone=text_cnn",
        "--tokenize_style=char",
        _free_text("free"),
    ),
    "fine_tuning_text_cnn_char": (
        *_FINE_TUNING,
        "--ckpt_dir={pretraining_text_cnn_char}",
        *_labelled("plain"),
    ),
    "pretraining_transformer_char": (
        *_PRETRAINING,
        "--backbone=transformer",
        "--tokenize_style=char",
        "--line_unit=sentence",
        _free_text("sentences"),
    ),
    "fine_tuning_transformer_char": (
        *_FINE_TUNING,
        "--ckpt_dir={pretraining_transformer_char}",
        *_labelled("plain"),
    ),
    "continued_text_cnn_char": (
        *_CONTINUED,
        "--init_ckpt_dir={pretraining_text_cnn_char}",
        _free_text("free"),
    ),
    "pretraining_text_cnn_space": (
        *_PRETRAINING,
        "--backbone=text_cnn",
        "--tokenize_style=space",
        _free_text("free_spaced"),
    ),
    "fine_tuning_text_cnn_space": (
        *_FINE_TUNING,
        "--ckpt_dir={pretraining_text_cnn_space}",
        "--head=max_pooled",
        *_labelled("spaced"),
    ),
    "pretraining_text_cnn_word": (
        *_PRETRAINING,
        "--backbone=text_cnn",
        "--tokenize_style=word",
        _free_text("free"),
    ),
    "fine_tuning_text_cnn_word": (
        *_FINE_TUNING,
        "--ckpt_dir={pretraining_text_cnn_word}",
        *_labelled("plain"),
    ),
    "pairs_alignment": (
        *_FINE_TUNING,
        "--ckpt_dir={pretraining_text_cnn_char}",
        "--task=multi_class",
        *_labelled("pairs"),
    ),
    "pairs_next_sentence": (
        *_FINE_TUNING,
        "--ckpt_dir={pretraining_transformer_char}",
        "--task=multi_class",
        "--head=next_sentence",
        "--tfidf_classifier=false",
        *_labelled("pairs"),
    ),
    "word_vectors": (
        *_PRETRAINING,
        "--backbone=transformer",
        "--tokenize_style=char",
        "--objectives=masked_lm",
        "--use_pretrained_embedding",
        "--word2vec_model_path={inputs}/vectors.txt",
        _free_text("free"),
    ),
    "imported_bert": ("-m", "conversion.import_released", "{inputs}/bert", "{out}"),
    "fine_tuning_imported_bert": (
        *_FINE_TUNING,
        "--ckpt_dir={imported_bert}",
        *_labelled("plain"),
    ),
    "multi_class_pooled": (
        *_FINE_TUNING,
        "--ckpt_dir={pretraining_transformer_char}",
        "--task=multi_class",
        "--head=pooled",
        *_labelled("single"),
    ),
    "bfloat16_transformer": (
        *_FINE_TUNING,
        "--ckpt_dir={pretraining_transformer_char}",
        "--precision=mixed_bfloat16",
        *_labelled("plain"),
    ),
    "train_transform": (
        "train_transform.py",
        *_TUNING,
        "--preset=tiny",
        "--tokenize_style=char",
        *_labelled("plain"),
    ),
    "predictions_text_cnn": (
        "predict.py",
        "--ckpt_dir={fine_tuning_text_cnn_char}",
        "--input={inputs}/plain_test.txt",
        "--output={out}.jsonl",
        "--top_k=3",
    ),
    "predictions_transformer": (
        "predict.py",
        "--ckpt_dir={fine_tuning_transformer_char}",
        "--input={inputs}/plain_test.txt",
        "--output={out}.jsonl",
        "--top_k=3",
    ),
    "predictions_pairs": (
        "predict.py",
        "--ckpt_dir={pairs_alignment}",
        "--input={inputs}/pairs_test.txt",
        "--output={out}.jsonl",
        "--top_k=2",
    ),
}


def with_dependencies(names: Sequence[str]) -> list[str]:
    """Adds the runs on whose output these runs depend; in the order of `RUNS`."""
    needed: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        needed.add(name)
        fields = [field for _, field, _, _ in string.Formatter().parse(" ".join(RUNS[name]))]
        open_names += [field for field in fields if field in RUNS]
    return [name for name in RUNS if name in needed]
