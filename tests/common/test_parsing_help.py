"""What --help shows."""

import re
from dataclasses import dataclass

from common.options import declarations, make_options, option
from common.parsing import help_text
from tests.common.sample_options import Needy, Sample


def test_help():
    assert help_text(Sample, "python sample.py", "Does nothing.").splitlines() == [
        "usage: python sample.py [SOURCE] [OUT] [--option=value ...]",
        "",
        "Does nothing.",
        "",
        "What and where:",
        "  --source=in",
        "      from where",
        "  --out=out",
        "      to where",
        "  --overwrite=false",
        "      replace what is there",
        "  --lower_case=",
        "      in lower case",
        "  --kind=a",
        "      what kind [a | b]",
        "  --files=x,y",
        "      which files",
        "",
        "How fast:",
        "  --num_epochs=10",
        "      how often",
        "  --learning_rate=",
        "      how far",
        "",
        "Options from a file:",
        "  --options_file=",
        "      a JSON file that holds an object of option names and values, or the",
        "      config.json of a checkpoint, to repeat the run that wrote it; the command",
        "      line takes precedence",
    ]
    assert help_text(Needy, "needy", "").startswith("usage: needy FILE [--option=value ...]")


def test_help_of_a_class_that_was_made():
    made = make_options("Made", {"width": (int, option(1, "how wide"))}, "Sizes")

    @dataclass(frozen=True)
    class More(made):
        """More"""

    text = help_text(More, "more", "")
    assert "\nSizes:\n  --width=1\n      how wide\n" in text
    assert "More:" not in text
    assert re.findall(r"^  --(\w+)=", text, flags=re.MULTILINE) == ["width", "options_file"]
    assert list(declarations(More)) == ["width"]
