"""The road of a released BERT: in, on with pre-training, fine-tuning, and out again.

    python -m benchmarks.released_bert --data=../shared/data [--sequence_length=128]
        [--num_epochs=3] [--folder=...] [--test_mode]

`--data` holds `cail2018/{train,valid,test}.json`. There is no release to be had here, so that the
library transformers (and PyTorch) makes one: a BERT of 4 layers x 256 with random weights, whose
vocabulary has every Chinese character of the training text as a token. It is brought in,
pre-trained a little (an epoch of the training documents' own text), and fine-tuned with and without
that. What is written out at the end is compared with what our model computes. Prints a Markdown
table.
"""

import argparse
import json
import string
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.two_steps import HEADER, print_row, run
from data_util.documents import read_documents
from data_util.vocabulary import RESERVED, Vocabulary
from training.command_line import quiet_libraries

MIN_COUNT = 2
TEST_DOCUMENTS = 300
FINE_TUNING = ["--head=pooled", "--learning_rate=3e-4", "--head_learning_rate=1e-3"]


def main() -> None:
    """Makes the release, walks the road and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--folder", type=Path, default=Path("checkpoint_released_bert"))
    parser.add_argument("--sequence_length", type=int, default=128, help="of both steps")
    parser.add_argument("--num_epochs", type=int, default=3, help="of fine-tuning")
    parser.add_argument("--test_mode", action="store_true", help="two layers, few documents")
    arguments = parser.parse_args()
    quiet_libraries()
    folder, cail = arguments.folder, arguments.data / "cail2018"
    train = cail / "train.json"
    release, imported, exported = folder / "release", folder / "imported", folder / "exported"
    limit = TEST_DOCUMENTS if arguments.test_mode else None
    if not (release / "model.safetensors").exists():
        make_release(release, [train], limit, small=arguments.test_mode)
    if not (imported / "manifest.json").exists():
        command("models.import_bert", str(release), str(imported))

    shared = [f"--data_path={folder / 'data'}"] + ["--test_mode"] * arguments.test_mode
    pretrained = folder / "pretrained"
    run(
        "train_bert_lm.py",
        *shared,
        f"--init_ckpt_dir={imported}",
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
        command("models.export_bert", str(pretrained), str(exported))
    difference = largest_difference(pretrained, exported)

    print(HEADER)
    title = "BERT 2 x 64" if arguments.test_mode else "BERT 4 x 256"
    for name, start in starts.items():
        print_row(folder / f"{start.name}_labels", title=title, start=name)
    valid = json.loads((pretrained / "metrics.json").read_text(encoding="utf-8"))["history"][-1]
    print("\n| after pre-training | |\n|---|---|")
    for name in ("masked_lm_accuracy", "next_sentence_accuracy"):
        print(f"| {name}, valid | {valid['valid'][name]:.3f} |")
    print(f"| largest difference of a hidden state from transformers' | {difference:.1e} |")


def make_release(
    folder: Path, sources: Iterable[Path], max_documents: int | None, *, small: bool
) -> None:
    """Saves a `BertForPreTraining` with random weights and a vocabulary of characters."""
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
    # As in releases: reserved tokens first, characters, and those that stand inside of words.
    tokens = [*RESERVED, *alphabet, *(f"##{letter}" for letter in alphabet), *characters]
    vocabulary = Vocabulary(list(dict.fromkeys(tokens)))
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=64 if small else 256,
        num_hidden_layers=2 if small else 4,
        num_attention_heads=4,
        intermediate_size=256 if small else 1024,
        max_position_embeddings=512,
    )
    torch.manual_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    transformers.BertForPreTraining(config).save_pretrained(folder)
    vocabulary.save(folder / "vocab.txt")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    print(f"the release is in {folder}: {len(vocabulary):,} tokens", flush=True)


def largest_difference(checkpoint: Path, exported: Path) -> float:
    """Between our hidden states and those of transformers from the folder that we wrote."""
    import torch
    import transformers

    from models.checkpoints.folder import read_checkpoint
    from models.checkpoints.weights import load_model

    ours = load_model(read_checkpoint(checkpoint)).backbone
    theirs = transformers.BertModel.from_pretrained(exported).eval()
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


def command(module: str, *options: str) -> None:
    """Runs one of the project's modules; ends this program if it fails."""
    print(f"\n$ python -m {module} {' '.join(options)}", flush=True)
    status = subprocess.run([sys.executable, "-m", module, *options], check=False).returncode
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
