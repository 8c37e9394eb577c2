"""Counts the words that two versions of the code cut differently.

    python -m benchmarks.segmentation --data=DATA --before=CHECKOUT [--before_python=PATH]

Both checkouts tokenize the facts of CAIL2018 with `--tokenize_style=word`, each in a process of its
own. Columns: documents, words of the first version, documents that differ, words of either version
that the other one does not have at that place; up to ten of the places are printed below.
"""

import difflib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.lib.arguments import parser
from benchmarks.lib.checkouts import Checkout
from benchmarks.lib.measuring import markdown

ROOT = Path(__file__).parents[1]
SHOWN = 10
SPLITS = ("train", "valid", "test")

# What each checkout runs: the tokenizer's module moved after version 0.1.0.
TOKENIZE = """
import json, sys
sys.path.insert(0, ".")
try:
    from data_util.tokens.tokenizers import make_tokenizer
except ImportError:
    from data_util.tokenizers import make_tokenizer
tokenizer = make_tokenizer("word")
with open(sys.argv[1], encoding="utf-8") as texts, open(sys.argv[2], "w", encoding="utf-8") as out:
    for line in texts:
        print(json.dumps(tokenizer.tokenize(json.loads(line))), file=out)
"""


def main() -> None:
    """Tokenizes with both checkouts and prints the table."""
    options = parser(__doc__)
    options.add_argument("--before", type=Path, required=True, help="another checkout")
    options.add_argument("--before_python", type=Path, help="default: that of its .venv")
    arguments = options.parse_args()
    checkouts = [Checkout(arguments.before.absolute(), arguments.before_python)]
    checkouts.append(Checkout(ROOT, Path(sys.executable)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = folder / "texts.jsonl"
        with texts.open("w", encoding="utf-8") as file:
            for split in SPLITS:
                source = arguments.data / "cail2018" / f"{split}.json"
                for line in source.read_text(encoding="utf-8").splitlines():
                    file.write(json.dumps(json.loads(line)["fact"]) + "\n")
        before, after = (words_of(checkout, texts, folder) for checkout in checkouts)
    changes = [list(differences(*pair)) for pair in zip(before, after, strict=True)]
    places = [place for change in changes for place in change]
    row = {
        "documents": len(before),
        "words": sum(map(len, before)),
        "documents that differ": sum(map(bool, changes)),
        "words that differ": sum(max(len(old), len(new)) for old, new in places),
    }
    print(markdown([row]))
    for old, new in places[:SHOWN]:
        print(f"{' | '.join(old)}  ->  {' | '.join(new)}")


def words_of(checkout: Checkout, texts: Path, folder: Path) -> list[list[str]]:
    """The words of each text, by the code of a checkout."""
    out = folder / f"words-{checkout.version}-{len(list(folder.iterdir()))}.jsonl"
    command = [str(checkout.python), "-c", TOKENIZE, str(texts), str(out)]
    subprocess.run(command, cwd=checkout.path, check=True)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def differences(before: list[str], after: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The places where two lists of words differ: the words there of each."""
    if before == after:
        return
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, old, old_end, new, new_end in matcher.get_opcodes():
        if tag != "equal":
            yield before[old:old_end], after[new:new_end]


if __name__ == "__main__":
    main()
