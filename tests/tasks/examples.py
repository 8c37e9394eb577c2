"""Small labelled files of every task, and tiny models for them."""

import json

import keras
import numpy as np

from common.options import Options
from data_util.tokens.tokenizers import make_tokenizer
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.writing import write_checkpoint
from models.presets import backbone_config
from tasks.data import DataSettings
from tasks.registry import TASK_OPTIONS, TASKS
from tests.toys.choices import choice_lines
from training.devices.forward import Forward
from training.preparation.tokenizer import text_files

SIZES = {"train": 21, "valid": 9, "test": 9}


def labelled_lines(count, seed, labels):
    """A label for each of the first words that a text has."""
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        chosen = random.choice(["甲", "乙", "丙"], labels, replace=False)
        words = random.permutation([*chosen, *random.choice(["天", "地", "人"], 4)])
        lines.append(f"{''.join(words)}{''.join(f' __label__{label}' for label in chosen)}\n")
    return lines


def entity_lines(count, seed):
    """Texts of eight characters in which 甲乙 is an A, and 丙 is a B."""
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        parts = [*random.choice(["天", "地", "人"], 5), "甲乙", "丙"]
        text = "".join(random.permutation(parts))
        first, second = text.index("甲乙"), text.index("丙")
        entities = [["A", first, first + 2], ["B", second, second + 1]]
        lines.append(json.dumps({"text": text, "entities": entities}, ensure_ascii=False) + "\n")
    return lines


def sequences(count, seed):
    """The target is what the source begins with, in another order."""
    lines = [line.partition(" ")[0] for line in labelled_lines(count, seed, 1)]
    return [f"{line}\t{line[2:0:-1]}\n" for line in lines]


def question_lines(count, seed):
    """The lines of the toy task as questions, some of them about a text."""
    lines = []
    for number, line in enumerate(choice_lines(count, seed)):
        record = json.loads(line)
        context = "天地人" * (number % 4)
        found = {"context": context, "choices": record["options"], "answer": record["answer"]}
        lines.append(json.dumps(found, ensure_ascii=False) + "\n")
    return lines


def valued_lines(count, seed):
    """Pairs of texts whose value is how often the first sign is in both."""
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        texts = ["".join(random.choice(list("甲乙丙"), 5)) for _ in range(2)]
        value = sum(text.count("甲") for text in texts)
        lines.append(f"{texts[0]}\t{texts[1]}\t{value / 2}\n")
    return lines


def passage_lines(count, seed):
    """Which sign stands after the one that is asked for? Every fourth passage does not have it."""
    random = np.random.default_rng(seed)
    lines = []
    for number in range(count):
        signs = random.permutation(list("天地人山水火"))
        asked = int(random.integers(len(signs) - 1))
        answers = [{"text": str(signs[asked + 1]), "answer_start": asked + 1}]
        question = str(signs[asked])
        if number % 4 == 3:
            question, answers = "甲", []
        record = {"id": f"q{number}", "question": question, "context": "".join(signs)}
        lines.append(json.dumps({**record, "answers": answers}, ensure_ascii=False) + "\n")
    return lines


# By task: gives so many lines of a labelled file, and lines to predict from, one of them blank.
FILES = {
    "multi_label": (lambda count, seed: labelled_lines(count, seed, 2), ["甲天", "", "乙地人丙"]),
    "multi_class": (lambda count, seed: labelled_lines(count, seed, 1), ["甲天", "", "乙地人丙"]),
    "token_classification": (entity_lines, ["甲乙天", "", "地人丙"]),
    "sequence_to_sequence": (sequences, ["甲天", "", "乙地人丙"]),
    "multiple_choice": (
        question_lines,
        [
            '{"context": "天地", "question": "人", "choices": ["甲乙", "丙"]}',
            "",
            '{"choices": ["乙", "甲丁戊", "丙"]}',
        ],
    ),
    "regression": (valued_lines, ["甲乙\t丙", "", "乙地\t人甲\t3.5"]),
    "question_answering": (
        passage_lines,
        [
            '{"question": "天", "context": "地天人"}',
            "",
            '{"id": 7, "question": "山水", "context": "人水火山地，天地人山水火天地"}',
        ],
    ),
    "toy": (
        choice_lines,
        ['{"options": ["甲乙", "丙"]}', "", '{"options": ["乙", "甲丁戊"]}'],
    ),
}

# What the short sequences of the tests need, and what keeps the tests short.
OPTIONS = {
    "token_classification": {"crf": True, "window_overlap": 2},
    "sequence_to_sequence": {"max_target_length": 8, "decoder_layers": 1, "num_beams": 2},
}


def prepare(folder, name, seed=3, batch_size=8, sequence_length=12):
    """The data of a task, whose files are written to the folder."""
    lines, files = FILES[name][0], {}
    for number, (split, count) in enumerate(SIZES.items()):
        files[split] = [str(folder / f"{name}_{split}.txt")]
        with open(files[split][0], "w", encoding="utf-8") as file:
            file.writelines(lines(count, number))
    settings = DataSettings(
        tokenizer=make_tokenizer("char"),
        vocabulary=None,
        vocab_size=100,
        min_count=1,
        sequence_length=sequence_length,
        batch_size=batch_size,
        seed=seed,
        cache_folder=folder / "cache",
    )
    options = TASK_OPTIONS.get(name, Options)(**OPTIONS.get(name, {}))
    return TASKS[name].prepare(files, settings, options)


def write(folder, data, model, metrics=None):
    """Writes the checkpoint of a task and a model."""
    task, text = data.task, data.text
    config = {"backbone": model.backbone.config.to_dict(), "task": task.name, "head_dropout": 0.0}
    config |= {"sequence_length": text.sequence_length, "test_mode": False, **task.config()}
    texts = {**text_files(text.tokenizer, text.vocabulary), **task.texts()}
    write_checkpoint(folder, config=config, model=model, texts=texts, metrics=metrics or {})
    return folder


def outputs_of(data, model):
    """The function from inputs to outputs that prediction uses."""
    return data.task.outputs_function(model, lambda part: Forward(part).outputs)


def model_for(data, seed=1, dropout=0.0):
    keras.utils.set_random_seed(seed)
    sizes = {"d_model": 16, "num_heads": 2, "num_filters": 8, "filter_sizes": (2, 3)}
    config = backbone_config(
        "text_cnn", "tiny", len(data.text.vocabulary), dropout=dropout, **sizes
    )
    model = build(data.task.build_model(make_backbone(config), dropout))
    data.task.start_head(model, data)
    return model
