"""transformers' BertForQuestionAnswering, trained on the same questions from random weights."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.lib.measuring import needed
from common.progress import Progress
from data_util.labelled.batches import LabelledBatches
from tasks.question_answering.evaluation import QuestionEvaluation
from training.options.scripts import FineTuningOptions

PEER_PACKAGE = "make setup, and pip install '.[benchmarks]'"
WARMUP, DECAY, CLIP_NORM = 0.1, 0.01, 1.0


def bert_for_question_answering(
    options: FineTuningOptions, sizes: Mapping[str, int], *, epochs: int, rate: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Trains the peer as its authors' example does, and chooses the epoch and the threshold.

    It reads the same windows of the same tokens, and its scores become answers by the same rules;
    network, loss and optimizer are those of the library: AdamW with a rate that rises for a tenth
    of the steps and then falls, the first of several answers alone, and no answer at [CLS].

    Args:
        options: of this project's fine-tuning: files, tokens, windows, batches and the seed.
        sizes: "d_model", "num_layers" and "num_heads" of a preset; feed-forward layers are four
            times as wide as d_model.
        epochs: of training.
        rate: the highest learning rate.

    Returns:
        The metrics of the validation questions, of the best epoch, and of the test questions.
    """
    torch = needed("torch", PEER_PACKAGE)
    transformers = needed("transformers", PEER_PACKAGE)
    from training.fine_tuning import prepare_data

    data = prepare_data(options, None)
    torch.manual_seed(options.seed)
    model = transformers.BertForQuestionAnswering(
        transformers.BertConfig(
            vocab_size=len(data.text.vocabulary),
            hidden_size=sizes["d_model"],
            num_hidden_layers=sizes["num_layers"],
            num_attention_heads=sizes["num_heads"],
            intermediate_size=4 * sizes["d_model"],
            max_position_embeddings=options.sequence_length,
        )
    )

    def read(inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
        names = {
            "input_ids": "token_ids",
            "token_type_ids": "segment_ids",
            "attention_mask": "padding_mask",
        }
        return {name: torch.as_tensor(inputs[ours]).long() for name, ours in names.items()}

    def forward(batches: LabelledBatches) -> Iterator[tuple[Any, Any, np.ndarray]]:
        model.eval()
        with torch.no_grad():
            for inputs, targets in batches.batches(0):
                found = model(**read(inputs))
                scores = torch.stack([found.start_logits, found.end_logits], -1).numpy()
                yield inputs, targets, scores

    evaluation = QuestionEvaluation(data.task, None, data, forward, {})  # type: ignore[arg-type]
    train = data.batches["train"]
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=DECAY)
    steps = epochs * train.steps(0)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, int(WARMUP * steps), steps)
    best: dict[str, float] = {}
    kept: dict[str, Any] = {}
    with Progress("BertForQuestionAnswering", steps) as progress:
        for epoch in range(epochs):
            model.train()
            for inputs, targets in train.batches(epoch):
                rows = targets["row_weights"] > 0
                optimizer.zero_grad()
                loss = model(
                    **{name: array[rows] for name, array in read(inputs).items()},
                    start_positions=torch.as_tensor(targets["starts"][rows, 0]).long(),
                    end_positions=torch.as_tensor(targets["ends"][rows, 0]).long(),
                ).loss
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
                optimizer.step()
                schedule.step()
                progress.advance(text=f"epoch {epoch + 1}/{epochs}")
            with progress.aside("validation"):
                valid = evaluation.validate()
            if not best or valid["f1"] > best["f1"]:
                best, kept = valid, copy.deepcopy(model.state_dict())
                evaluation.settle()
    model.load_state_dict(kept)
    return best, evaluation.test()[0]
