import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import command_line
from common.errors import OptionError
from training import command_line as training_command_line
from training.command_line import choose_backend, quiet_libraries, run

ROOT = Path(__file__).parents[2]


def test_a_backend_for_every_command(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    choose_backend("none")
    choose_backend("data_parallel")
    assert caplog.messages == []
    choose_backend("none", backends=("tensorflow",))
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert caplog.messages == ["KERAS_BACKEND=jax: this command runs on tensorflow instead"]
    with pytest.raises(OptionError, match="data_parallel needs KERAS_BACKEND=jax, not tensorflow"):
        choose_backend("data_parallel")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    for backends in (("tensorflow", "jax"), ("tensorflow",)):
        with pytest.raises(OptionError, match="KERAS_BACKEND=torch: must be tensorflow or jax"):
            choose_backend("none", backends)
    monkeypatch.delenv("KERAS_BACKEND")
    choose_backend("none")
    assert "KERAS_BACKEND" not in os.environ


def test_memory_is_kept_from_the_start_where_the_command_wants_it(monkeypatch):
    done = []
    monkeypatch.setattr(training_command_line, "keep_freed_memory", lambda: done.append("kept"))
    monkeypatch.setattr(command_line, "run", lambda main, *rest, **named: done.append(main))
    run("training", object, "Trains.", keep_memory=True)
    run("a service", object, "Serves.")
    assert done == ["kept", "training", "a service"]


def test_a_backend_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    for distribute in ("none", "data_parallel"):
        with pytest.raises(OptionError, match="needs JAX, which is not installed"):
            choose_backend(distribute)
    with pytest.raises(OptionError, match=r"keras and tensorflow, .* pip install '\.\[train\]'"):
        quiet_libraries()


def test_settings_of_other_programs_are_not_read(tmp_path):
    settings = {"backend": "none of them", "floatx": "float16", "epsilon": 0.1}
    settings |= {"image_data_format": "channels_first"}
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(settings))
    code = (
        "from training.command_line import quiet_libraries as quiet; quiet(); import keras, os\n"
        "config = keras.config\n"
        "print(config.backend(), config.floatx(), config.epsilon(), config.image_data_format())\n"
        "print(config.max_epochs(), 'KERAS_HOME' in os.environ, os.environ['KERAS_MAX_EPOCHS'])"
    )
    environment = os.environ | {"HOME": str(tmp_path), "KERAS_MAX_EPOCHS": "1"}
    environment.pop("KERAS_BACKEND", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "tensorflow float32 1e-07 channels_last\nNone False 1\n", done.stderr
