import io
import json

import pytest

from benchmarks.serving import write_bodies
from models.checkpoints.folder import read_checkpoint
from tasks.loading import load_task
from tests.tasks.examples import FILES, model_for, prepare, write


@pytest.mark.parametrize("name", ["token_classification", "question_answering"])
def test_the_inputs_of_any_task_are_sent(name, tmp_path):
    data = prepare(tmp_path, name)
    metrics = {"calibration": {"scale": 1.0}}
    checkpoint = write(tmp_path / "checkpoint", data, model_for(data), metrics)
    source, bodies = tmp_path / "in.txt", tmp_path / "bodies"
    source.write_text("\n".join(FILES[name][1]), encoding="utf-8")
    write_bodies(checkpoint, source, bodies)
    inputs = [json.loads(line)["input"] for line in bodies.read_text().splitlines()]
    task = load_task(read_checkpoint(checkpoint))
    with source.open("rb") as file:
        records = [line.record for line in task.read(io.BytesIO(file.read()), "in") if line.record]
    texts = [each if isinstance(each, str) else tuple(each.values()) for each in inputs]
    expected = [tuple(task.values(record).values()) for record in records]
    assert texts == [each if len(each) > 1 else each[0] for each in expected]
    assert len(texts) == 2
