import logging

import numpy as np
import pytest

from common.errors import InputError, OptionError
from data_util.pretraining.noise.phrase import MAX_PHRASE
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from training.options.scripts import PretrainingOptions
from training.preparation.noise import make_noise, noise_classes, phrases

NAMES = ("masked_lm",)
VOCABULARY = Vocabulary([*RESERVED, *"盗窃罪故意"])


def options_of(**changes):
    return PretrainingOptions(masking="phrase", **changes)


@pytest.fixture
def made(tmp_path):
    def make(text):
        path = tmp_path / "phrases.txt"
        path.write_text(text, encoding="utf-8")
        options = options_of(phrase_file=str(path))
        found = phrases(options, NAMES)
        kind = noise_classes(options, NAMES)
        return found, make_noise(kind, options, make_tokenizer("char"), VOCABULARY, found)

    return make


def test_phrases_of_a_file_of_label_names(made, caplog) -> None:
    caplog.set_level(logging.INFO)
    found, noise = made("盗窃罪\t盗窃\n\n 故意\n盗窃\n诈骗\n" + "盗" * (MAX_PHRASE + 1) + "\n")
    assert found[:4] == ["盗窃罪", "盗窃", "故意", "诈骗"]
    assert "3 of 5 phrases consist of known tokens" in caplog.text
    ids = VOCABULARY.encode(["[CLS]", *"盗窃罪故意盗"])[None]
    np.testing.assert_array_equal(noise.continues({"token_ids": ids})[0], [0, 0, 1, 1, 0, 1, 0])


def test_masks_of_the_last_token_alone_need_masks() -> None:
    for name in ("masked_lm", "replaced_token"):
        options = PretrainingOptions(objectives=[name], mask_last=0.1)
        kind = noise_classes(options, (name,))
        assert make_noise(kind, options, make_tokenizer("char"), VOCABULARY, []).mask_last == 0.1
    for name in ("causal_lm", "permutation_lm", "next_sentence"):
        options = PretrainingOptions(objectives=[name], mask_last=0.1)
        with pytest.raises(OptionError, match=f"--mask_last=0.1: --objectives={name} masks no"):
            noise_classes(options, (name,))
        kind = noise_classes(options.replace(mask_last=0.0), (name,))
        make_noise(kind, options.replace(mask_last=0.0), make_tokenizer("char"), VOCABULARY, [])


def test_mistakes(made, tmp_path) -> None:
    with pytest.raises(InputError, match=r"phrases\.txt: no phrase: one on each line is expected"):
        made("\n \t\n")
    with pytest.raises(InputError, match=r"phrases\.txt: no phrase of at most 64 tokens.*fit"):
        made("诈骗\n")
    with pytest.raises(OptionError, match=r"--masking=phrase: name the file .*--phrase_file"):
        phrases(options_of(), NAMES)
    with pytest.raises(InputError, match=r"none\.txt"):
        phrases(options_of(phrase_file=str(tmp_path / "none.txt")), NAMES)
    given = PretrainingOptions(phrase_file="x.txt")
    with pytest.raises(OptionError, match=r"--phrase_file=x\.txt requires --masking=phrase"):
        phrases(given, NAMES)
