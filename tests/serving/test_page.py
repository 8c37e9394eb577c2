"""The page, in a real browser."""

import csv
import re
import shutil
from contextlib import contextmanager
from dataclasses import make_dataclass
from types import SimpleNamespace

import pytest

from serving.page.document import page_of, page_source
from tests.language_models import write_language_model

SOURCE = page_source()
NEEDED = "playwright (pip) and chromium (apt) are needed"
EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TEXT = "<img src=x onerror=alert(1)> 😀 被告人盗窃手机。"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason=NEEDED)
    if EXECUTABLE is None:
        pytest.skip(NEEDED)
    with playwright.sync_playwright() as driver:
        # It makes itself a new profile.
        browser = driver.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def open_on_a_phone(browser, address, locale="en-US"):
    """The page; fails where the browser complains."""
    page = browser.new_page(viewport={"width": 360, "height": 740}, locale=locale)
    page.set_default_timeout(60_000)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    page.close()


@pytest.fixture
def page(browser, running):
    with open_on_a_phone(browser, running[0]) as page:
        yield page


@pytest.fixture
def page_of_pairs(browser, running_on_pairs):
    with open_on_a_phone(browser, running_on_pairs[0]) as page:
        yield page


@pytest.fixture
def page_without_service(browser):
    """Gives the page of a task with such fields and results; there is no service behind it."""
    opened = []

    def open_page(fields, result, explains=False, defaults=()):
        page = browser.new_page(viewport={"width": 360, "height": 740}, locale="en-US")
        kind = make_dataclass("Result", result)
        task = SimpleNamespace(
            fields=fields, result_type=kind, explains=explains, defaults=dict.fromkeys(defaults, "")
        )
        page.set_content(page_of(task))
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.close()


def test_boxes_follow_from_the_fields_and_any_result_is_shown(page_without_service):
    page = page_without_service({"question": str, "answers": list[str]}, ["best", "x"])
    boxes = page.get_by_role("textbox")
    assert boxes.count() == 2
    page.get_by_role("button", name="Send it").click()
    assert page.get_by_role("status").first.text_content() == "It takes two texts."
    page.get_by_label("answers (one per line)").fill("a\n\n b")
    page.get_by_label("question").fill("<b>?")
    assert page.evaluate("bodyOf(readBoxes())") == {"question": "<b>?", "answers": ["a", "b"]}
    page.evaluate("renderer.show(readBoxes(), { best: '<b>' })")
    assert page.locator("#any-result").text_content() == '{\n  "best": "<b>"\n}'
    assert "JSON lines with “question”, “answers”" in page.locator("#file-help").text_content()
    read = page.evaluate("""recordsOf("a.jsonl", '{"question": "?", "answers": ["a", "b"]}')""")
    assert read[0]["input"] == {"question": "?", "answers": ["a", "b"]}
    page = page_without_service({"a": str, "b": str}, ["best"], defaults=["a"])
    assert page.evaluate("missing({ a: '', b: ' ' })") == "b"
    table = page.evaluate("""tableOf([
        { id: 7, input: { a: "x", b: "y" }, result: { best: [1] } },
        { input: recordsOf("a.txt", "1\\t2")[0].input, error: "no" },
    ])""")
    assert table.splitlines()[1:] == ['7,"x","y","[1]",""', '"","1","2","","no"']


def test_entities_are_coloured_in_the_text(page_without_service):
    page = page_without_service({"text": str}, ["entities"])
    assert page.title() == "Entities in a text"
    text = "😀<b>张三 went to 北京"
    page.get_by_role("textbox", name="Text", exact=True).fill(text)
    page.evaluate("""renderer.show(readBoxes(), { entities: [
        { start: 4, end: 6, label: "PER", probability: 0.987, text: "张三" },
        { start: 15, end: 17, label: "LOC", probability: 0.5, text: "北京" },
    ] })""")
    assert page.locator("#entities-text").text_content() == text
    marks = page.locator("#entities-text mark")
    assert marks.all_text_contents() == ["张三", "北京"]
    assert marks.first.get_attribute("title") == "PER: 98.7 %"
    colours = [
        marks.nth(place).evaluate("m => getComputedStyle(m).backgroundColor") for place in (0, 1)
    ]
    assert len(set(colours)) == 2
    assert page.locator("#entities-legend li").all_text_contents() == ["PER 1", "LOC 1"]
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.evaluate("renderer.show(readBoxes(), { entities: [] })")
    assert page.get_by_text("There is no entity in this text.").is_visible()
    assert page.evaluate("renderer.names({ entities: [{ label: 'PER' }] })") == ["PER"]


def test_a_text_that_was_written(page_without_service):
    page = page_without_service({"source": str}, ["text", "score", "top"])
    page.get_by_role("button", name="Write it").wait_for()
    page.evaluate("""renderer.show(readBoxes(), {
        text: "<b>谁？", score: -0.5, top: [{ text: "<b>谁？" }, { text: "轮到谁" }],
    })""")
    assert page.locator("#written-text").text_content() == "<b>谁？"
    assert "-0.50" in page.locator("#written-score").text_content()
    assert page.locator("#written-list li").all_text_contents() == ["轮到谁"]
    page.evaluate("renderer.show(readBoxes(), { text: '', score: -1 })")
    assert page.locator("#written-others").is_hidden()


def test_masks_are_chips_with_candidates(page_without_service):
    page = page_without_service({"prompt": str}, ["masks", "text"])
    assert page.get_by_role("button", name="Fill it in").is_visible()
    page.get_by_role("textbox", name="Text", exact=True).fill("<b>un[MASK] 😀 [MASK]!")
    page.evaluate("""renderer.show(readBoxes(), { text: "", masks: [
        [{ token: "##do", probability: 0.75 }, { token: "til", probability: 0.2 }],
        [{ token: "<i>", probability: 0.5 }],
    ] })""")
    text = page.locator("#masks-text")
    assert text.text_content() == "<b>undo 😀 <i>!"
    assert text.locator("mark.chip").all_text_contents() == ["do", "<i>"]
    bars = page.locator("#masks-list .bar")
    assert [bar.evaluate("bar => bar.style.width") for bar in bars.all()] == ["75%", "20%", "50%"]
    # Another token, by keyboard.
    page.get_by_role("button", name="til 20.0 %").focus()
    page.keyboard.press("Enter")
    assert text.text_content() == "<b>until 😀 <i>!"
    pressed = page.locator("#masks-list button[aria-pressed=true]")
    assert pressed.all_text_contents() == ["til20.0 %", "<i>50.0 %"]
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    read = page.evaluate("""recordsOf("a.csv", "text\\n[MASK] b")""")
    assert [each["input"] for each in read] == [{"prompt": "[MASK] b"}]
    table = page.evaluate("""tableOf([
        { input: { prompt: "[MASK]" }, result: { masks: [[{ token: "a" }]], text: "a" } },
    ])""")
    assert table.splitlines()[1] == '"[MASK]","[[{""token"":""a""}]]","a",""'


def test_a_text_that_goes_on(page_without_service):
    page = page_without_service({"prompt": str}, ["continuation", "text", "score"])
    assert page.get_by_role("button", name="Continue it").is_visible()
    show = "result => renderer.show({}, result)"
    result = {"text": "<b>Once upon", "continuation": " upon", "score": -1.5}
    assert page.evaluate(show, result) == ""
    assert page.locator("#continued-text").text_content() == "<b>Once upon"
    assert page.locator("#continued-text mark").text_content() == " upon"
    assert "-1.50" in page.locator("#continued-score").text_content()
    assert page.evaluate(show, {**result, "continuation": ""}) == "The model has written nothing."
    assert page.locator("#continued-text").text_content() == "<b>Once upon"


def test_masks_are_filled_in_by_the_service(browser, service, tmp_path):
    folder = write_language_model(tmp_path / "lm", "masked_lm")
    with service(folder, tmp_path / "log.txt") as (address, _):
        with open_on_a_phone(browser, address, "zh-CN") as page:
            page.get_by_role("button", name="试一个例子").click()
            page.locator("#masks-text mark.chip").wait_for()
            assert page.locator("#masks-list button").count() == 5
            given = page.get_by_role("textbox").input_value()
            token = page.locator("#masks-list .name").first.text_content()
            filled = page.locator("#masks-text").text_content()
            assert filled == given.replace("[MASK]", token)
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("textbox").fill("甲天")
        page.keyboard.press("Control+Enter")
        page.get_by_text("this text has no [MASK]").wait_for()
        assert page.locator("#masks").is_hidden()
        page.close()


def test_a_text_is_continued_by_the_service(browser, service, tmp_path):
    folder = write_language_model(tmp_path / "lm", "causal_lm")
    with (
        service(folder, tmp_path / "log.txt", "--max_length=5") as (address, _),
        open_on_a_phone(browser, address, "de-DE") as page,
    ):
        page.get_by_role("textbox").fill("甲天")
        page.get_by_role("button", name="Fortsetzen").click()
        page.locator("#continued-text mark").wait_for()
        written = page.locator("#continued-text mark").text_content()
        assert len(written) == 5
        assert page.locator("#continued-text").text_content() == f"甲天{written}"


def test_the_choices_of_a_question(page_without_service):
    fields = {"context": str, "question": str, "choices": list[str]}
    defaults = ("context", "question")
    page = page_without_service(fields, ["choice", "probabilities"], defaults=defaults)
    page.get_by_label("Choices (one per line)").fill("<b>yes\nno\nperhaps")
    result = "{ choice: 0, probabilities: [0.7, 0.2, 0.1] }"
    page.evaluate(f"renderer.show(readBoxes(), {result})")
    names = page.locator("#choice-list .name")
    assert names.all_text_contents() == ["<b>yes", "no", "perhaps"]
    assert page.locator("#choice-list .decided").all_text_contents() == ["<b>yes70.0 %"]
    assert page.locator(".bar").nth(1).evaluate("bar => bar.style.width") == "20%"
    # Context and question may be left out, in the form and in a file.
    assert page.evaluate("missing(readBoxes())") is None
    read = page.evaluate("""recordsOf("a.jsonl", '{"choices": ["a", "b"]}')""")
    assert read[0]["input"] == {"context": "", "question": "", "choices": ["a", "b"]}
    assert page.evaluate("renderer.show(readBoxes(), { probabilities: [] })")


def test_a_value(page_without_service):
    page = page_without_service({"text_a": str, "text_b": str}, ["value"])
    page.evaluate("renderer.show(readBoxes(), { value: 3.14159 })")
    assert page.locator("#value-number").text_content() == "3.142"
    assert page.get_by_role("button", name="Compute it").is_visible()


def test_an_answer_is_marked_in_its_passage(page_without_service):
    page = page_without_service({"question": str, "context": str}, ["answer", "probability"])
    assert page.get_by_role("button", name="Find the answer").is_visible()
    page.get_by_label("Question", exact=True).fill("谁？")
    page.get_by_label("Passage", exact=True).fill("𠀀甲<b>盗窃。")
    show = "(result) => renderer.show(readBoxes(), result)"
    none = {"answer": None, "start": None, "end": None, "probability": 0.2}
    found = {"answer": "甲<b>", "start": 1, "end": 5, "probability": 0.75}
    page.evaluate(show, {**found, "top": [found, none]})
    # Places are code points, of which the first one has two units of UTF-16.
    assert page.locator("#found-passage mark").text_content() == "甲<b>"
    assert page.locator("#found-passage").text_content() == "𠀀甲<b>盗窃。"
    assert page.locator("#found-share").text_content() == "probability 75.0 %"
    assert page.locator("#found-others li").all_text_contents() == ["(no answer) – 20.0 %"]
    page.evaluate(show, none)
    assert page.locator("#found-answer").text_content() == "The passage has no answer to this."
    assert page.locator("#found-passage mark").count() == 0


def test_from_a_text_to_its_labels_and_why(page):
    page.get_by_role("textbox", name="Text", exact=True).fill(TEXT)
    page.get_by_role("button", name="Label it").click()
    page.locator("#marked mark").first.wait_for()
    buttons = page.locator("#labels button")
    assert buttons.count() == 3
    assert sorted(page.locator("#labels .name").all_text_contents()) == sorted(
        ["盗窃", "故意伤害", "诈骗"]
    )
    for index in range(3):
        width = buttons.nth(index).locator(".bar").evaluate("bar => parseFloat(bar.style.width)")
        shown = re.search(r"([\d.]+) %", buttons.nth(index).text_content())
        assert width == pytest.approx(float(shown[1]), abs=0.06)
    # The text as it was given, as text.
    assert page.locator("#marked").text_content() == TEXT
    assert page.locator("img").count() == 0
    marks = page.locator("#marked mark").all_text_contents()
    assert "".join(marks) == "".join(TEXT.split())
    assert page.locator("#marked mark[style]").count() > 0
    # Another label by keyboard alone.
    buttons.nth(1).focus()
    page.keyboard.press("Enter")
    page.locator("#labels li:nth-child(2) button[aria-pressed=true]").wait_for()
    name = page.locator("#labels .name").nth(1).text_content()
    page.get_by_role("heading", name=name).wait_for()


def test_from_two_texts_to_their_labels_and_why(page_of_pairs):
    page, texts = page_of_pairs, ("甲天<b>地 😀", "甲 人")
    assert page.title() == "Labels of two texts"
    page.get_by_role("textbox", name="First text").fill(texts[0])
    page.get_by_role("button", name="Label it").click()
    assert page.get_by_role("status").text_content() == "It takes two texts."
    assert page.evaluate("document.activeElement.id") == "text-b"
    page.keyboard.type(texts[1])
    page.keyboard.press("Control+Enter")
    page.locator("#marked mark").first.wait_for()
    assert sorted(page.locator("#labels .name").all_text_contents()) == ["different", "same"]
    for box, text in zip(("#marked", "#marked-b"), texts, strict=True):
        assert page.locator(box).text_content() == text
        marks = page.locator(f"{box} mark").all_text_contents()
        assert "".join(marks) == "".join(text.split())
    assert page.locator("#marked-b mark[style]").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    # Behind the 13 tokens that both may have together, the longer text is crossed out.
    page.get_by_role("textbox", name="First text").fill("地" * 30)
    page.get_by_role("button", name="Label it").click()
    page.get_by_text("too long to be read").wait_for()
    assert page.locator("#marked .cut").text_content() == "地" * (30 - 11)
    assert page.locator("#marked-b .cut").count() == 0


def test_one_text_has_one_box(page):
    assert page.get_by_role("textbox").count() == 1
    assert page.title() == "Labels of a text"


def test_it_fits_on_a_phone(page):
    page.get_by_role("textbox", name="Text", exact=True).fill("w" * 190)
    page.keyboard.press("Control+Enter")
    page.locator("#marked mark").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert all(
        box["height"] >= 44 for box in (b.bounding_box() for b in page.get_by_role("button").all())
    )


def test_no_text_and_too_much(page):
    page.get_by_role("button", name="Label it").click()
    assert page.get_by_role("status").text_content() == "There is no text yet."
    assert page.evaluate("document.activeElement.id") == "text"


def test_what_the_service_refuses_is_said(browser, running):
    page = browser.new_page()
    page.goto(running[0])
    page.get_by_role("textbox", name="Text", exact=True).fill("长" * 201)
    page.get_by_role("button", name="Label it").click()
    said = "This text has 201 characters, and the service takes at most 200."
    page.get_by_text(said).wait_for()
    assert page.locator("#answer").is_hidden()
    # The service's own refusal is said in the same words.
    page.evaluate("model = null")
    page.get_by_role("textbox", name="Text", exact=True).fill("长" * 202)
    page.keyboard.press("Control+Enter")
    page.get_by_text(said.replace("201", "202")).wait_for()
    page.close()


def test_an_example_its_threshold_and_its_command(page, running, run_of):
    page.get_by_role("button", name="Try an example").click()
    page.locator("#marked mark").first.wait_for()
    text = page.get_by_role("textbox", name="Text", exact=True).input_value()
    assert page.locator("#read").text_content() == f"All {len(text)} characters were read."
    thresholds = run_of().fine_tuning_metrics["thresholds"]
    rows = page.locator("#labels button")
    for row in rows.all():
        left = row.locator(".threshold").evaluate("mark => parseFloat(mark.style.left)")
        assert left == pytest.approx(100 * thresholds[row.get_attribute("data-label")], abs=0.01)
    figures = run_of().fine_tuning_metrics["test"]
    assert f"micro F1 {figures['micro_f1']:.3f}" in page.locator("#model").text_content()
    page.get_by_text("The same as a command").click()
    command = page.locator("#command").text_content()
    assert command.startswith(f"curl {running[0]}/v1/predict -H 'Content-Type: application/json'")
    assert f'\'{{"input":"{text}"}}\'' in command


def test_rows_of_nearly_nothing_are_shown_on_request(page):
    page.evaluate("""showLabels(["x"], {
        labels: [{ label: "a", probability: 0.9 }],
        top: [0.9, 0.3, 0.001, 0.001, 0.02, 0.001, 0.0].map((probability, place) =>
            ({ label: "abcdefg"[place], probability })),
    })""")
    shown = page.locator("#labels li:not([hidden]) .name")
    assert shown.all_text_contents() == ["a", "b", "c", "e"]
    page.get_by_role("button", name="Show 3 more").click()
    assert shown.all_text_contents() == list("abcdefg")
    assert page.get_by_role("button", name="more").count() == 0


FILES = {
    "list.txt": "盗窃。\n\n殴打。\n",
    "table.csv": 'id,Text\n7,"盗窃, ""手机""。\n第二行"\n8,=1+1\n9,' + "长" * 201 + "\n",
    "records.jsonl": '{"id": "x", "fact": "盗窃。"}\n{"text": "殴打。"}\n',
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_in_and_a_table_out(page, tmp_path, name):
    path, saved = tmp_path / name, tmp_path / "saved.csv"
    encoding = "gb18030" if name == "list.txt" else "utf-8"
    path.write_text(FILES[name], encoding=encoding)
    page.locator("#file").set_input_files(path)
    button = page.get_by_role("button", name="Save as CSV")
    button.wait_for()
    with page.expect_download() as download:
        button.click()
    download.value.save_as(saved)
    assert download.value.suggested_filename == f"{path.stem}_labels.csv"
    with saved.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if name == "list.txt":
        assert [row["text"] for row in rows] == ["盗窃。", "", "殴打。"]
        assert [bool(row["label"]) for row in rows] == [True, False, True]
        assert "GB18030" in page.get_by_role("status").first.text_content()
    elif name == "table.csv":
        assert [row["id"] for row in rows] == ["7", "8", "9"]
        # A spreadsheet would compute it.
        assert [row["text"] for row in rows[:2]] == ['盗窃, "手机"。\n第二行', "'=1+1"]
        assert 0 <= float(rows[0]["probability"]) <= 1 and not rows[0]["error"]
        assert "at most 200" in rows[2]["error"] and not rows[2]["label"]
        assert "1 could not be read" in page.locator("#batch-said").text_content()
    else:
        assert [(row["id"], row["text"]) for row in rows] == [("x", "盗窃。"), ("", "殴打。")]


def test_a_file_that_is_not_understood(page, tmp_path):
    wrong = {
        "table.csv": ("a,b\n1,2\n", "This table has no column “text”; its columns are: a, b."),
        "records.jsonl": ('{"text": "a"}\n{"x": 1}\n', 'Line 2 is no JSON object with "text".'),
        "list.txt": ("\n \n", "There is no text in this file."),
    }
    for name, (content, message) in wrong.items():
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        page.locator("#file").set_input_files(path)
        page.get_by_text(message).wait_for()
        assert page.locator("#batch").is_hidden()


def test_in_chinese(browser, running):
    with open_on_a_phone(browser, running[0], "zh-CN") as page:
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        page.get_by_role("textbox", name="文本", exact=True).fill("被告人盗窃手机。" * 8)
        page.get_by_role("button", name="预测标签").click()
        page.locator("#marked mark").first.wait_for()
        assert page.locator("#read").text_content().startswith("已读取：前 ")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        # “text” is the name of a column.
        visible = page.locator("main").inner_text().replace("“text”", "")
        assert re.findall(r"\b(?:the|and|Label|text|file)\b", visible) == []


def test_in_german(browser, running):
    with open_on_a_phone(browser, running[0], "de-AT") as page:
        page.get_by_role("textbox", name="Text", exact=True).fill("被告人盗窃手机。" * 8)
        page.get_by_role("button", name="Labels vorhersagen").click()
        page.locator("#marked mark").first.wait_for()
        assert page.locator("#read").text_content().startswith("Gelesen: die ersten ")
        assert re.search(r"\d,\d %", page.locator("#labels").inner_text())
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert re.findall(r"\b(?:the|and|file)\b", page.locator("main").inner_text()) == []


def test_the_explanation_is_beside_the_bars_on_a_wide_screen(browser, running):
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.goto(running[0])
    page.get_by_role("textbox", name="Text", exact=True).fill("被告人盗窃手机。")
    page.keyboard.press("Control+Enter")
    page.locator("#marked mark").first.wait_for()
    bars, why = (page.locator(name).bounding_box() for name in ("#answer", "#why"))
    assert why["x"] >= bars["x"] + bars["width"]
    assert abs(why["y"] - bars["y"]) < 5
    page.close()


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
