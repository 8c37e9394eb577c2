"""The source of the page: its colours, its strings, and what is not in it."""

import re

from serving.page.document import page_source

SOURCE = page_source()


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast():
    # WCAG 2.2 AA: 4.5 for text, 3 for the parts of a control; in the light and the dark scheme.
    schemes = re.findall(r":root \{(.*?)\}", SOURCE, flags=re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6});", scheme))
        for text in ("ink", "soft", "bad", "accent"):
            assert contrast(colours[text], colours["paper"]) >= 4.5
        assert contrast(colours["ink"], colours["field"]) >= 4.5
        assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
        assert contrast(colours["line"], colours["paper"]) >= 3
        assert contrast(colours["bar"], colours["track"]) >= 3


def test_nothing_is_loaded_or_written_as_html():
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"):
        assert word not in SOURCE
    for word in ("http:", "https:", "//cdn", "@import", "url("):
        assert word not in SOURCE


def test_every_string_is_in_every_language():
    pattern = r"^LANGUAGES.(\w\w) = \{(.*?)^\};"
    languages = re.findall(pattern, SOURCE, flags=re.DOTALL | re.MULTILINE)
    assert [name for name, _ in languages] == ["de", "en", "zh"]
    names, places = [], []
    for _, strings in languages:
        found = re.findall(r'(\w+): ((?:"[^"]*"\s*\+?\s*)+)', strings)
        names.append([name for name, _ in found])
        places.append({name: sorted(re.findall(r"\{\w+\}", text)) for name, text in found})
    assert names[0] == names[1] == names[2] and len(names[0]) > 50
    assert places[0] == places[1] == places[2]
    used = set(re.findall(r'\bt\("(\w+)"', SOURCE) + re.findall(r'data-text="(\w+)"', SOURCE))
    # What renderers name.
    for named in re.findall(
        r"\b(?:title|go|about|file): ([^,]+)", SOURCE.partition("RENDERERS")[2]
    ):
        used |= set(re.findall(r'"(\w+)"', named))
    assert used <= set(names[0]) and {"titlePairs", "goAny"} <= used
