"""One run of language_model.py over its input."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from common.errors import InputError
from data_util.reading.documents import read_texts
from models.generation.settings import GenerationSettings
from training.candidate_tokens import read_candidates
from training.labelling_run import counted
from training.language_model import TextModel, TextScore
from training.options.language_model import LanguageModelOptions
from training.prediction_files import check_files, open_source, open_target

logger = logging.getLogger(__name__)


def run_language_model(options: LanguageModelOptions) -> int:
    """Scores, fills in or continues each line of `--input`, and writes it as a line of JSON.

    Returns:
        The number of lines.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        ConfigError: two options contradict each other.
        InputError: the input or the candidates cannot be read, or a line cannot be used.
        OptionError: the output is the input, or cannot be a file.
    """
    check_files(options.input, options.output)
    settings = GenerationSettings(
        max_length=options.max_length,
        num_beams=options.num_beams,
        no_repeat_ngram=options.no_repeat_ngram,
        sample=options.sampling,
        temperature=options.temperature,
        top_k=options.sampling_top_k,
        top_p=options.sampling_top_p,
    )
    model = TextModel.load(Path(options.ckpt_dir), options.batch_size)
    candidates = None
    if options.candidates_file:
        candidates = read_candidates(options.candidates_file, model.text)
    began, lines, total = time.monotonic(), 0, TextScore(0.0, 0, 0, 0)

    def score(text: str, number: int) -> dict[str, Any]:
        nonlocal total
        found = model.score(text)
        total += found
        return found.to_dict()

    def fill(text: str, number: int) -> dict[str, Any]:
        return model.fill(text, options.top_k, candidates, exclude_seen=options.exclude_seen)

    def write_on(text: str, number: int) -> dict[str, Any]:
        return model.write_on(text, settings, options.seed, number)

    actions: dict[str, Callable[[str, int], dict[str, Any]]] = {
        "score": score,
        "fill": fill,
        "continue": write_on,
    }
    with open_source(options.input) as source, open_target(options.output) as target:
        for number, text in _texts(source.stream, source.name, options):
            try:
                result = actions[options.action](text, number)
            except InputError as error:
                raise InputError(error.message, source.name, number) from None
            target.write((json.dumps(result, ensure_ascii=False) + "\n").encode())
            target.flush()
            lines += 1
    if options.action == "score" and total.tokens:
        whole = total.to_dict()
        kind = "perplexity" if "next" in model.predicts else "pseudo-perplexity"
        logger.info(
            "%s %.2f, %.3f bits per character, %s tokens, %s unknown ones left out",
            kind,
            whole["perplexity"],
            whole["bits_per_character"],
            f"{total.tokens:,}",
            f"{total.unknown:,}",
        )
    logger.info("%s in %.1f s", counted(lines), time.monotonic() - began)
    return lines


def _texts(stream: Any, name: str, options: LanguageModelOptions) -> Iterator[tuple[int, str]]:
    for document in read_texts(stream, name, reading=options.reading()):
        yield document.line, document.text
