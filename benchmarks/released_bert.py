"""Runs a released model end to end: import, further pre-training, fine-tuning and export.

    python -m benchmarks.released_bert --data=DATA [--sequence_length=128] [--num_epochs=3]
        [--model_type=bert|electra|albert] [--folder=...] [--test_mode]

`--data` contains `cail2018/{train,valid,test}.json`. Nothing is downloaded: the library
transformers (with PyTorch) creates the release, 4 layers x 256 with random weights, whose
vocabulary contains each character of the training text. It is imported, pre-trained for an epoch
on the text of the training documents, and fine-tuned with and without that pre-training.

Prints two Markdown tables: F1 on the validation documents (first and best epoch) and on the test
documents (micro, macro and their mean) by start; and the validation accuracies after pre-training,
with the largest difference between our hidden states and those of transformers for the export.
"""

import json
import string
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import metrics_row, read_metrics, run
from data_util.reading.documents import read_documents
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from training.command_line import quiet_libraries

# What is created by `--model_type`.
MODELS = {
    "bert": "BertForPreTraining",
    "electra": "ElectraForMaskedLM",
    "albert": "AlbertForPreTraining",
}
MIN_COUNT = 2
TEST_DOCUMENTS = 300
FINE_TUNING = ["--head=pooled", "--learning_rate=3e-4", "--head_learning_rate=1e-3"]


def main() -> None:
    """Creates the release, runs every stage and prints the tables."""
    options = parser(__doc__, folder="checkpoint_released_bert")
    options.add_argument("--sequence_length", type=int, default=128, help="of both stages")
    options.add_argument("--num_epochs", type=int, default=3, help="of fine-tuning")
    options.add_argument("--model_type", default="bert", choices=MODELS, help="of the release")
    options.add_argument("--test_mode", action="store_true", help="two layers, few documents")
    arguments = options.parse_args()
    quiet_libraries()
    folder, cail = arguments.folder, arguments.data / "cail2018"
    train = cail / "train.json"
    release, imported, exported = folder / "release", folder / "imported", folder / "exported"
    limit = TEST_DOCUMENTS if arguments.test_mode else None
    if not (release / "model.safetensors").exists():
        kind = MODELS[arguments.model_type]
        make_release(release, [train], limit, kind, small=arguments.test_mode)
    if not (imported / "manifest.json").exists():
        run("-m", "conversion.import_released", str(release), str(imported))

    shared = [f"--data_path={folder / 'data'}"] + ["--test_mode"] * arguments.test_mode
    pretrained = folder / "pretrained"
    objectives = json.loads((imported / "config.json").read_text())["objectives"]
    run(
        "train_bert_lm.py",
        *shared,
        f"--init_ckpt_dir={imported}",
        f"--objectives={','.join(objectives)}",
        f"--ckpt_dir={pretrained}",
        f"--mask_lm_source_file={train}",
        f"--sequence_length_lm={arguments.sequence_length}",
        "--num_epochs=1",
        "--learning_rate=5e-4",
    )
    starts = {"as released (random)": imported, "pre-trained": pretrained}
    for start in starts.values():
        target = folder / f"{start.name}_labels"
        run(
            "train_bert_fine_tuning.py",
            *shared,
            f"--ckpt_dir={start}",
            f"--ckpt_dir_save={target}",
            f"--training_data_file={train}",
            f"--valid_data_file={cail / 'valid.json'}",
            f"--test_data_file={cail / 'test.json'}",
            f"--sequence_length={arguments.sequence_length}",
            f"--num_epochs={1 if arguments.test_mode else arguments.num_epochs}",
            *FINE_TUNING,
        )
    if not (exported / "config.json").exists():
        run("-m", "conversion.export_released", str(pretrained), str(exported))
    difference = largest_difference(pretrained, exported)

    size = "2 x 64" if arguments.test_mode else "4 x 256"
    rows = [
        metrics_row(folder / f"{start.name}_labels", **{arguments.model_type: size}, start=name)
        for name, start in starts.items()
    ]
    valid = read_metrics(pretrained)["history"][-1]["valid"]
    names = [f"{objective}_accuracy" for objective in objectives]
    after = {f"{name}, valid": f"{valid[name]:.3f}" for name in names}
    after["largest difference from transformers' hidden states"] = f"{difference:.1e}"
    print(f"\n{markdown(rows)}\n\nAfter pre-training:\n\n{markdown([after])}")


def make_release(
    folder: Path, sources: Iterable[Path], max_documents: int | None, kind: str, *, small: bool
) -> None:
    """Saves a model of transformers with random weights and a vocabulary of characters."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    counts: Counter[str] = Counter()
    for document in read_documents(sources, labelled=False, max_documents=max_documents):
        counts.update(document.text.lower())
    characters = [
        character
        for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= MIN_COUNT and not character.isspace()
    ]
    alphabet = string.ascii_lowercase + string.digits
    # As in releases: reserved tokens first, then characters and word pieces.
    tokens = [*RESERVED, *alphabet, *(f"##{letter}" for letter in alphabet), *characters]
    vocabulary = Vocabulary(list(dict.fromkeys(tokens)))
    model_class = getattr(transformers, kind)
    # Of ELECTRA and ALBERT; a BERT has no embeddings of another width.
    narrow = {} if kind.startswith("Bert") else {"embedding_size": 32 if small else 128}
    config = model_class.config_class(
        **narrow,
        vocab_size=len(vocabulary),
        hidden_size=64 if small else 256,
        num_hidden_layers=2 if small else 4,
        num_attention_heads=4,
        intermediate_size=256 if small else 1024,
        max_position_embeddings=512,
    )
    torch.manual_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    model_class(config).save_pretrained(folder)
    vocabulary.save(folder / "vocab.txt")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    print(f"the release is in {folder}: {len(vocabulary):,} tokens", flush=True)


def largest_difference(checkpoint: Path, exported: Path) -> float:
    """The largest difference of our hidden states from those of transformers with the export."""
    import torch
    import transformers

    from models.checkpoints.folder import read_checkpoint
    from models.checkpoints.weights import load_model

    ours = load_model(read_checkpoint(checkpoint)).backbone
    theirs = transformers.AutoModel.from_pretrained(exported).eval()
    ids = np.random.default_rng(1).integers(0, ours.config.vocab_size, (4, 64))
    batch = {
        "token_ids": ids.astype("int32"),
        "segment_ids": np.zeros_like(ids, dtype="int32"),
        "padding_mask": np.ones(ids.shape, dtype=bool),
    }
    found = np.asarray(ours(batch, training=False)["sequence_output"])
    with torch.no_grad():
        expected = theirs(torch.tensor(ids)).last_hidden_state.numpy()
    return float(np.abs(found - expected).max())


if __name__ == "__main__":
    main()
