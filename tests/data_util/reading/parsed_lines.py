"""Lines of labelled files, and what they are read as."""

import json

from data_util.reading.line_format import LineParser
from data_util.reading.settings import Reading


def parse(line: str, *, labelled: bool = True, **settings):
    parser = LineParser("file", labelled=labelled, reading=Reading(**settings))
    return parser.parse(line, 7)


def record(fact="他来了。", **meta) -> str:
    return json.dumps({"fact": fact, "meta": meta})
