"""The page in a real browser: what it shows of each kind of result."""

from dataclasses import make_dataclass
from types import SimpleNamespace

import pytest

from serving.page.document import page_of
from tests.browsers import open_on_a_phone
from tests.language_models import write_language_model


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
