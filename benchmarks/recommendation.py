"""Recommends each user's next item with a pre-trained model, and compares with simpler ways.

    python -m benchmarks.recommendation --data=ml-1m/ratings.dat [--backbones=transformer]
    python -m benchmarks.recommendation --synthetic [--users=2000] [--epochs=100] [--mask_last=0.09]

`--data` is a file of MovieLens-1M's form, or has one user's items per line, in the order of time.
Items with fewer than five users and users with fewer than five items are left out. `--synthetic`
draws the sequences from a Markov chain that is interrupted (`benchmarks.lib.item_sequences`).

Leave-one-out: a user's last item is for the test, the one before it for validation, and the others
for pre-training. In the test, all but the last item are known. Completed runs in the folder are not
repeated; give other data and other options a folder of their own.

Prints a Markdown table with HR@10 and NDCG@10, over all items that the user does not have yet and
not over a sample of them, of popularity, of what came most often after the last item, and of each
backbone, with and without sequences of which only the last item is masked.
"""

import json
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.lib.arguments import parser
from benchmarks.lib.item_sequences import read_sequences, synthetic_sequences, without_rare
from benchmarks.lib.measuring import markdown
from benchmarks.lib.ranking import ItemToItem, Popular, hit_rate, ndcg, rank_of
from benchmarks.lib.runs import run
from common.command_line import exit_on_user_error

MODEL = [
    "--d_model=64",
    "--num_header=2",
    "--d_k=32",
    "--d_v=32",
    "--dropout_keep_prob=0.8",
]
PRETRAINING = [
    "--objectives=masked_lm",
    "--tokenize_style=space",
    "--min_count=1",
    "--num_sampled=0",
    "--valid_ratio=0.05",
]


def main() -> None:
    """Runs what is missing and prints the table."""
    options = parser(__doc__, data="optional", folder="checkpoint_recommendation")
    options.add_argument("--synthetic", action="store_true", help="instead of --data")
    options.add_argument("--users", type=int, default=2000, help="with --synthetic")
    options.add_argument("--backbones", default="transformer")
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--batch_size", type=int, default=64)
    options.add_argument("--sequence_length", type=int, default=202, help="with [CLS] and [SEP]")
    options.add_argument("--mask_probability", type=float, default=0.2)
    options.add_argument("--mask_last", default="0,0.0909", help="0.0909: BERT4Rec's 1 in 11")
    arguments = options.parse_args()
    if bool(arguments.data) == arguments.synthetic:
        options.error("either --data=FILE or --synthetic")
    with exit_on_user_error():
        read = synthetic_sequences(arguments.users) if arguments.synthetic else None
        sequences = without_rare(read or read_sequences(arguments.data))
        if not sequences:
            options.error("no user is left: the data are too few")
    print(f"\n{markdown(table(sequences, arguments))}")


def table(sequences: Sequence[Sequence[str]], arguments: Namespace) -> list[dict[str, str]]:
    """The rows of all systems, after the missing trainings."""
    train = [items[:-2] for items in sequences]
    items = sorted({item for user in sequences for item in user})
    print(f"{len(sequences):,} users, {len(items):,} items, {sum(map(len, sequences)):,} events")
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "train.txt", (" ".join(user) for user in train))
    _write(folder / "items.txt", items)
    for split, known in (("valid", -2), ("test", -1)):
        _write(folder / f"{split}.txt", (f"{' '.join(user[:known])} [MASK]" for user in sequences))
    rows = []
    for title, system in {"popularity": Popular(train), "item to item": ItemToItem(train)}.items():
        found = {
            split: [system.recommend(user[:known]) for user in sequences]
            for split, known in (("valid", -2), ("test", -1))
        }
        rows.append(table_row(title, sequences, found))
    for backbone in arguments.backbones.split(","):
        for share in map(float, arguments.mask_last.split(",")):
            found = recommendations(backbone, share, arguments)
            rows.append(table_row(f"{backbone}, mask_last {share:g}", sequences, found))
    return rows


def recommendations(
    backbone: str, share: float, arguments: Namespace
) -> dict[str, list[list[str]]]:
    """Pre-trains, and gives ten items for each user of both splits."""
    folder = arguments.folder
    checkpoint = folder / f"{backbone}_{share:g}"
    run(
        "train_bert_lm.py",
        f"--mask_lm_source_file={folder / 'train.txt'}",
        f"--ckpt_dir={checkpoint}",
        f"--data_path={folder / 'data'}",
        f"--backbone={backbone}",
        f"--mask_probability={arguments.mask_probability}",
        f"--mask_last={share:g}",
        f"--sequence_length_lm={arguments.sequence_length}",
        f"--batch_size={arguments.batch_size}",
        f"--num_epochs={arguments.epochs}",
        *PRETRAINING,
        *(MODEL if backbone == "transformer" else MODEL[:1] + MODEL[-1:]),
    )
    found = {}
    for split in ("valid", "test"):
        output = checkpoint.with_name(f"{checkpoint.name}_{split}.jsonl")
        run(
            "language_model.py",
            "--action=fill",
            f"--ckpt_dir={checkpoint}",
            f"--input={folder / f'{split}.txt'}",
            f"--output={output}",
            f"--candidates_file={folder / 'items.txt'}",
            "--exclude_seen=true",
            "--top_k=10",
        )
        lines = output.read_text(encoding="utf-8").splitlines()
        found[split] = [[each["token"] for each in json.loads(line)["masks"][0]] for line in lines]
    return found


def table_row(
    title: str, sequences: Sequence[Sequence[str]], found: dict[str, list[list[str]]]
) -> dict[str, str]:
    """A row of the table, from the ten items for each user of both splits."""
    row = {"": title}
    for split, place in (("valid", -2), ("test", -1)):
        ranks = [
            rank_of(user[place], ten) for user, ten in zip(sequences, found[split], strict=True)
        ]
        row[f"{split} HR@10"] = f"{hit_rate(ranks):.3f}"
        row[f"{split} NDCG@10"] = f"{ndcg(ranks):.3f}"
    return row


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
