"""Every way to generate against transformers' `generate`, token for token, on the same weights."""

import numpy as np
import pytest

from common.errors import ConfigError
from models.generation.generate import generate
from models.generation.settings import GenerationSettings

EOS, VOCABULARY = 5, 24


class Gpt2Step:
    """GPT-2 with its cache, which follows the search by the rows that it names."""

    def __init__(self, model):
        self.model, self.cache = model, None

    def __call__(self, sequences, parents):
        import torch

        given = sequences
        if self.cache is not None:
            self.cache.batch_select_indices(torch.tensor(parents))
            given = sequences[:, -1:]
        with torch.no_grad():
            output = self.model(
                torch.tensor(given.astype(np.int64)), past_key_values=self.cache, use_cache=True
            )
        self.cache = output.past_key_values
        return output.logits[:, -1].numpy()


@pytest.fixture(scope="module")
def gpt2():
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)  # Its sequences end, some of them
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=64,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=EOS,
        pad_token_id=0,
    )
    return transformers.GPT2LMHeadModel(config).eval()


def of_transformers(model, prompts, settings, **changes):
    """(sequences, tokens) without the prompts, and their scores, None of a greedy search."""
    import torch

    output = model.generate(
        torch.tensor(prompts),
        attention_mask=torch.ones(prompts.shape, dtype=torch.long),
        do_sample=False,
        max_new_tokens=settings.max_length,
        num_beams=settings.num_beams,
        num_return_sequences=settings.num_beams,
        length_penalty=settings.length_penalty,
        no_repeat_ngram_size=settings.no_repeat_ngram,
        suppress_tokens=list(settings.banned_ids) or None,
        eos_token_id=settings.eos_id,
        return_dict_in_generate=True,
        output_scores=True,
        **changes,
    )
    return output.sequences.numpy()[:, prompts.shape[1] :], getattr(
        output, "sequences_scores", None
    )


def until_the_end(ids):
    ids = ids.tolist()
    return ids[: ids.index(EOS)] if EOS in ids else ids


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"no_repeat_ngram": 2},
        {"banned_ids": (0, 7, 8)},
        {"num_beams": 3},
        {"num_beams": 4, "length_penalty": 0.0},
        {"num_beams": 4, "length_penalty": 2.0},
        {"num_beams": 5, "no_repeat_ngram": 3, "banned_ids": (1,)},
        {"num_beams": 30},  # more beams than tokens
    ],
    ids=str,
)
def test_equals_transformers(gpt2, changes):
    settings = GenerationSettings(max_length=14, eos_id=EOS, **changes)
    prompts = np.random.default_rng(0).integers(6, VOCABULARY, (12, 3))
    found = generate(Gpt2Step(gpt2), prompts, settings)
    expected, scores = of_transformers(gpt2, prompts, settings)
    beams = settings.num_beams
    assert len({each.finished for results in found for each in results}) == 2
    for prompt, results in enumerate(found):
        rows = slice(prompt * beams, prompt * beams + len(results))
        assert [each.ids.tolist() for each in results] == list(map(until_the_end, expected[rows]))
        if scores is not None:
            np.testing.assert_allclose(
                [each.score for each in results], scores[rows].numpy(), rtol=1e-4
            )


@pytest.mark.parametrize("beams", [1, 3])
def test_a_batch_changes_nothing_and_the_score_is_that_of_the_sequence(gpt2, beams):
    import torch

    settings = GenerationSettings(max_length=9, eos_id=EOS, num_beams=beams)
    prompts = np.random.default_rng(2).integers(6, VOCABULARY, (5, 2))
    together = generate(Gpt2Step(gpt2), prompts, settings)
    for row, results in enumerate(together):
        (alone,) = generate(Gpt2Step(gpt2), prompts[row : row + 1], settings)
        assert [each.ids.tolist() for each in alone] == [each.ids.tolist() for each in results]
        best = results[0]
        whole = [*prompts[row], *best.ids, *[EOS] * best.finished]
        with torch.no_grad():
            logits = gpt2(torch.tensor([whole])).logits[0, 1:-1].log_softmax(-1)
        total = float(logits[range(len(whole) - 2), whole[2:]].sum())
        assert best.log_probability == pytest.approx(total, rel=1e-4)
        assert best.length == len(whole) - 2
        assert best.score == pytest.approx(total / best.length, rel=1e-4)


def test_samples_have_the_probabilities_of_the_model():
    logits = np.array([2.0, 1.0, 0.5, -1.0, -2.0])
    settings = GenerationSettings(
        max_length=2, sample=True, temperature=1.5, top_k=4, top_p=0.95, eos_id=4
    )
    rows = 20_000
    generators = [np.random.default_rng([3, row]) for row in range(rows)]
    found = generate(
        lambda sequences, parents: np.tile(logits, (len(sequences), 1)),
        np.zeros((rows, 1), np.int32),
        settings,
        generators,
    )
    drawn = np.array([each.ids for (each,) in found])
    powers = np.exp(logits[:4] / 1.5)  # Of four tokens; those of three add up to 0.91.
    assert drawn.shape == (rows, 2)
    for place in (0, 1):
        share = np.bincount(drawn[:, place], minlength=5)[:4] / rows
        np.testing.assert_allclose(share, powers / powers.sum(), atol=0.012)
    # A row draws from its own generator.
    (alone,) = generate(
        lambda sequences, parents: np.tile(logits, (len(sequences), 1)),
        np.zeros((1, 1), np.int32),
        settings,
        [np.random.default_rng([3, 7])],
    )
    assert alone[0].ids.tolist() == drawn[7].tolist()


@pytest.mark.parametrize(
    "values",
    [
        {"max_length": 0},
        {"num_beams": 0},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_k": -1},
        {"sample": True, "num_beams": 2},
    ],
    ids=str,
)
def test_settings_that_cannot_be(values):
    with pytest.raises(ConfigError):
        GenerationSettings(**{"max_length": 3, **values})
