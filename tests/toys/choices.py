"""Lines for the toy task: the right option is the one with a certain sign in it."""

import json

import numpy as np


def choice_lines(number, seed, right="甲", others="乙丙丁戊"):
    """So many lines."""
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(number):
        count = int(random.integers(2, 5))
        options = ["".join(random.choice(list(others), 3)) for _ in range(count)]
        answer = int(random.integers(count))
        options[answer] = f"{right}{options[answer]}"
        lines.append(json.dumps({"options": options, "answer": answer}, ensure_ascii=False) + "\n")
    return lines
