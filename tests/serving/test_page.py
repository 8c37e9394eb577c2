"""The page of a classifier, in a real browser: labels and why, files, languages."""

import csv
import re

import pytest

from tests.browsers import open_on_a_phone

TEXT = "<img src=x onerror=alert(1)> 😀 被告人盗窃手机。"


@pytest.fixture
def page(browser, running):
    with open_on_a_phone(browser, running[0]) as page:
        yield page


@pytest.fixture
def page_of_pairs(browser, running_on_pairs):
    with open_on_a_phone(browser, running_on_pairs[0]) as page:
        yield page


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
