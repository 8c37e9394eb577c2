from tasks.token_classification.evaluation import Outcome
from tasks.token_classification.findings import NOTHING, confusions, findings_of
from tasks.token_classification.passages import Passage
from tasks.token_classification.records import TaggedText
from tasks.token_classification.tags import Entity

TRUTH = [
    Entity("A", 0, 2),
    Entity("A", 3, 5),
    Entity("B", 6, 7),
    Entity("B", 8, 9),
    Entity("A", 10, 12),
]
FOUND = [
    Entity("A", 0, 2),
    Entity("B", 3, 5),
    Entity("B", 6, 8),
    Entity("C", 9, 10),
    Entity("B", 11, 12),
]


def test_what_was_predicted_in_place_of_what():
    assert confusions([TRUTH, []], [FOUND, []]) == {
        ("A", "B", "label"): 1,
        ("B", "B", "ends"): 1,
        ("B", NOTHING, "missed"): 1,
        (NOTHING, "C", "invented"): 1,
        ("A", "B", "both"): 1,
    }


def test_findings():
    text = TaggedText(Passage("abcdefghijklm"), tuple(TRUTH), "test.txt", 3)
    findings = findings_of(Outcome([text], [FOUND], [[1.0] * 5], {}, {"A": 7}))
    assert findings.lines[0].startswith("entities: 1 of 5 found; ")
    entities, examples = findings.sections
    table = entities.blocks[0]
    assert table.rows[0][0] == "A" and table.rows[0][-1] == 7
    (shown,) = examples.blocks[0].examples
    assert shown.place == "test.txt:3" and "de (A)" in shown.facts[0].value
    right = findings_of(Outcome([text], [TRUTH], [[1.0] * 5], {}))
    assert right.sections[1].blocks[0].sentences == ["No text has an error."]
