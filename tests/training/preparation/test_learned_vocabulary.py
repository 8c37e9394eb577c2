import dataclasses
import json

import numpy as np
import pytest

from common.errors import InputError, OptionError
from data_util.tokens.tokenizer_files import load_tokenizer
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.weights import load_model
from models.checkpoints.writing import write_checkpoint
from models.presets import backbone_config
from models.pretraining_model import PretrainingModel
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.preparation.learned_vocabulary import new_tokenizer_and_vocabulary
from training.preparation.tokenizer import text_files
from training.pretraining import build_model, open_start, prepare_data


@pytest.fixture
def new_text(tmp_path):
    path = tmp_path / "new.txt"
    path.write_text("被告人酒后驾驶机动车。被告人在商店盗窃手机。\n" * 9, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A pre-trained checkpoint with random weights."""
    tokenizer = make_tokenizer("word")
    vocabulary = Vocabulary([*RESERVED, "被告人", "商店", "盗窃", "机动", "车"])
    config = backbone_config("text_cnn", "tiny", len(vocabulary), d_model=8, num_filters=4)
    model = build(PretrainingModel(make_backbone(config), objectives=("masked_lm",)))
    model.heads[0].bias.assign(np.arange(len(vocabulary)))
    folder = tmp_path_factory.mktemp("start")
    write_checkpoint(
        folder,
        config={
            "stage": "pretraining",
            "backbone": config.to_dict(),
            "objectives": ["masked_lm"],
            "sequence_length": 32,
            "test_mode": False,
            "options": {},
        },
        model=model,
        texts=text_files(tokenizer, vocabulary),
        metrics={"history": [], "best_epoch": 0},
    )
    return folder


def test_pretraining_extends_the_vocabulary_of_a_checkpoint(start, new_text, tmp_path):
    options = PretrainingOptions(
        mask_lm_source_file=[new_text],
        data_path=str(tmp_path),
        process_num=1,
        init_ckpt_dir=str(start),
        objectives=["masked_lm"],
        extend_vocabulary=True,
        sequence_length_lm=32,
        valid_ratio=0.2,
    )
    data = prepare_data(options)
    known = Vocabulary.load(start / "vocab.txt").tokens
    # In the order of their counts: 。 and 被告人 are twice in each line, 被告人 is known.
    new = ("。", "在", "手机", "机动车", "酒后", "驾驶")
    assert data.vocabulary.tokens == (*known, *new)

    model, source = build_model(options, data), load_model(open_start(options))
    before, after = (
        np.array(each.backbone.token_embedding.embeddings.value) for each in (source, model)
    )
    assert after[:10].tobytes() == before.tobytes()
    rows = dict(zip(new, after[10:], strict=True))
    np.testing.assert_allclose(rows["机动车"], before[[8, 9]].mean(0), rtol=1e-6)
    np.testing.assert_array_equal(rows["驾驶"], before[1])  # [UNK]
    bias = np.array(model.heads[0].bias.value)
    assert bias[:10].tobytes() == np.arange(10, dtype=np.float32).tobytes()
    assert bias[10 + new.index("机动车")] == 8.5

    with pytest.raises(InputError, match=r"the vocabulary \(10 tokens\) lacks 64% of the tokens"):
        prepare_data(dataclasses.replace(options, extend_vocabulary=False))


def test_extension_needs_a_checkpoint(new_text):
    options = PretrainingOptions(mask_lm_source_file=[new_text], extend_vocabulary=True)
    with pytest.raises(OptionError, match=r"--extend_vocabulary: name .* --init_ckpt_dir"):
        open_start(options)


@pytest.mark.parametrize("kind", [PretrainingOptions, FineTuningOptions])
def test_word_pieces_without_a_file_are_learned(tiny, tmp_path, kind):
    options = kind(
        tokenize_style="wordpiece",
        vocab_size=200,
        min_count=1,
        process_num=1,
        normalize="nfkc",
        data_path=str(tmp_path),
    )
    tokenizer, vocabulary = new_tokenizer_and_vocabulary(options, [str(tiny.file("train"))])
    assert (tokenizer.style, tokenizer.normalize) == ("wordpiece", "nfkc")
    assert "被" in vocabulary.tokens
    assert tokenizer.tokenize("盗窃") == ["盗", "窃"]


def test_the_users_dictionary_is_part_of_the_checkpoint(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("公安机关案发 5\n", encoding="utf-8")
    options = PretrainingOptions(user_dictionary=str(words))
    tokenizer, vocabulary = new_tokenizer_and_vocabulary(options, [])
    assert vocabulary is None
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(tokenizer.config()), encoding="utf-8")
    words.unlink()
    assert load_tokenizer(path, None).tokenize("在公安机关案发") == ["在", "公安机关案发"]


def test_the_users_dictionary_is_for_words():
    options = PretrainingOptions(user_dictionary="words.txt", tokenize_style="char")
    with pytest.raises(OptionError, match=r"--user_dictionary=words.txt applies only to .*=word"):
        new_tokenizer_and_vocabulary(options, [])
