from collections import Counter

from data_util.sample.charges import CHARGES
from data_util.sample.pairs import FACTS, make_pairs, make_titles


def test_the_value_is_the_number_of_common_facts():
    places = {word for charge in CHARGES for word in charge.places}
    lines = [line.split("\t") for line in make_pairs(300, 1, "test")]
    counts = Counter(value for *_, value in lines)
    assert set(counts) == {str(number) for number in range(len(FACTS) + 1)}
    assert min(counts.values()) >= 30
    for first, second, value in lines:
        assert any(place in first for place in places)
        if value == "5":
            assert sum(sign in second for sign in first) > 0.5 * len(first)
    same, other = (
        [len(set(a) & set(b)) / len(set(a) | set(b)) for a, b, value in lines if value == number]
        for number in "50"
    )
    assert sum(same) / len(same) > 3 * sum(other) / len(other)


def test_a_title_names_the_accused_and_the_charge():
    charges = {charge.name: charge for charge in CHARGES}
    lines = [line.split("\t") for line in make_titles(300, 1, "test")]
    assert len({title for _, title in lines}) > 150
    for sentence, title in lines:
        name, charge = title[:3], charges[title[3:-1]]
        assert name in sentence and title.endswith("案")
        assert any(word in sentence for word in (*charge.objects, *charge.verbs, *charge.results))
