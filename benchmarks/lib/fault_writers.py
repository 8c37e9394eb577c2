"""What writes files without running a model: checkpoints, runs, caches, vocabularies, ..."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.faults import Writer
from benchmarks.lib.killed_runs import last_logged_step


class CheckpointWriter(Writer):
    """Writes a checkpoint with an optimizer and a training state."""

    name = "checkpoint with optimizer and training state"

    def prepare(self, folder: Path) -> None:
        """Makes a model."""
        self._model = small_model()

    def write(self, folder: Path, number: int) -> None:
        """Writes a checkpoint whose files all tell the number."""
        from models.checkpoints.writing import write_checkpoint

        weights = self._model.trainable_variables[-1]
        weights.assign(np.full(weights.shape, number))
        write_checkpoint(
            folder / "checkpoint",
            config={"stage": "pretraining", "number": number},
            model=self._model,
            texts={"vocab.txt": f"word{number}\n" * 2_000},
            metrics={"number": number},
            optimizer=self._model.optimizer,
            training_state={"number": number},
        )

    def read(self, folder: Path) -> int:
        """Reads all files, after they were verified, as a command that loads a model does."""
        from models.checkpoints.publication import read_published

        numbers = read_published(folder / "checkpoint", lambda: _numbers(folder / "checkpoint"))
        assert len(numbers) == 1, numbers
        return numbers.pop()


class RunWriter(CheckpointWriter):
    """Writes what a training run writes: its lock, record and curves, and both checkpoints."""

    name = "folder of a run, with curves"
    peak = 0.8  # The last checkpoint of the old run goes first.
    after_refusal = (1, 2)  # The best checkpoint appears before the run ends.

    def write(self, folder: Path, number: int) -> None:
        """Replaces a run by another one."""
        from training.options.scripts import PretrainingOptions
        from training.runs.run_folder import RunFolder

        weights = self._model.trainable_variables[-1]
        weights.assign(np.full(weights.shape, number))
        options = PretrainingOptions(ckpt_dir=str(folder / "checkpoint"), overwrite=True)
        metrics = {"number": number}
        with RunFolder(options, "ckpt_dir") as run:
            run.set_metadata({"stage": "pretraining", **metrics}, {"vocab.txt": f"word{number}\n"})
            run.begin("pretraining")
            with run.curves("pretraining", {"seed": "1" * 10_000}, 0) as curves:
                for step in range(200):
                    curves.write("train", step, {"loss": 1.0, "accuracy": 0.5})
                run.save(self._model, metrics, metrics, best=True)
                for step in range(200):
                    curves.write("valid", step, {"loss": 1.0})
            run.finish(self._model, metrics, {"report.html": "text " * 5_000})


class CurvesWriter(Writer):
    """Writes curves, which may be seen before all points are there."""

    name = "curves (TensorBoard events)"
    after_refusal = (0, 1, 2)

    def write(self, folder: Path, number: int) -> None:
        """Writes the curves of one run; those of earlier ones stay."""
        from training.runs.tensorboard import TensorBoardWriter, new_log_folder, write_test_figures

        logs = new_log_folder(folder / "logs", "pretraining")
        with TensorBoardWriter(logs, "pretraining", {"seed": "1" * 10_000}) as curves:
            for step in range(1_000 * number, 1_000 * number + 300):
                curves.write("train", step, {"loss": 1.0, "accuracy": 0.5})
                curves.write("valid", step, {"loss": 1.0, "accuracy": 0.5})
        write_test_figures(logs, "pretraining", 300, {f"metric{i}": 0.5 for i in range(100)})

    def read(self, folder: Path) -> int:
        """The number in the last step of the newest run; those of the first must be whole."""
        first = min((folder / "logs").iterdir())
        (events,) = (first / "test").iterdir()
        assert events.stat().st_size > 5_000
        return last_logged_step(folder) // 1_000


class CacheWriter(Writer):
    """Writes a cache."""

    name = "cache"
    peak = 3.0  # First in raw files; and HDF5 gets more room than it needs.

    def write(self, folder: Path, number: int) -> None:
        """Writes a cache with this number."""
        from data_util.cache.writing import RaggedWriter

        path = folder / "cache.h5"
        with RaggedWriter(path, {}, values=("ids",), offsets=("offsets",)) as writer:
            for _ in range(30):
                writer.append("ids", np.full(1_000, number))
                writer.append_lengths("offsets", np.full(10, 100))

    def read(self, folder: Path) -> int:
        """Reads the number, after the whole cache was verified."""
        from data_util.cache.reading import fingerprint, open_cache

        path, key = folder / "cache.h5", fingerprint({})
        arrays = open_cache(path, key, values={"ids": None}, offsets={"offsets": "ids"})
        assert arrays is not None
        return int(arrays["ids"][-1])


class VocabularyWriter(Writer):
    """Writes a vocabulary."""

    name = "vocabulary"

    def write(self, folder: Path, number: int) -> None:
        """Writes a vocabulary with this number."""
        from data_util.tokens.vocabulary import RESERVED, Vocabulary

        words = [f"word{number}-{index}" for index in range(10_000)]
        Vocabulary([*RESERVED, *words]).save(folder / "vocab.txt")

    def read(self, folder: Path) -> int:
        """Reads the number of a vocabulary that must have all of its tokens."""
        from data_util.tokens.vocabulary import Vocabulary

        token = Vocabulary.load(folder / "vocab.txt").tokens[-1]
        assert token.endswith("-9999")
        return int(token[4])


class FileWriter(Writer):
    """Writes a file of lines."""

    name = "any other file"

    def write(self, folder: Path, number: int) -> None:
        """Writes a file with this number."""
        from common.whole_files import whole_file

        with whole_file(folder / "labels.jsonl") as file:
            for _ in range(10_000):
                file.write(b"%d 0123456789\n" % number)

    def read(self, folder: Path) -> int:
        """Reads the number of a file that must have all of its lines."""
        lines = (folder / "labels.jsonl").read_bytes().splitlines()
        assert len(lines) == 10_000
        return int(lines[-1].split()[0])


class TensorsWriter(Writer):
    """Writes what a library in another language writes, into a folder that appears whole."""

    name = "export to transformers (safetensors)"

    def write(self, folder: Path, number: int) -> None:
        """Writes a folder with this number."""
        from safetensors.numpy import save_file

        from common.whole_files import whole_folder

        with whole_folder(folder / "export", replace=True) as incoming:
            save_file(
                {"weights": np.full(50_000, number, np.float32)}, incoming / "model.safetensors"
            )

    def read(self, folder: Path) -> int:
        """Reads the number of the last weight."""
        from safetensors.numpy import load_file

        return int(load_file(folder / "export" / "model.safetensors")["weights"][-1])


def small_model() -> Any:
    """A compiled model whose checkpoint has about 250 kB."""
    import keras

    model = keras.Sequential([keras.layers.Input((100,)), keras.layers.Dense(200)])
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def _numbers(folder: Path) -> set[int]:
    """The number that each file of a checkpoint tells."""
    from common.hdf5 import open_hdf5
    from models.checkpoints.folder import METRICS, WEIGHTS, read_checkpoint

    checkpoint = read_checkpoint(folder)
    with open_hdf5(checkpoint.path(WEIGHTS)) as file:
        weights = float(file["layers/dense/vars/1"][-1])
    vocabulary = checkpoint.text("vocab.txt").split()[-1]
    metrics = checkpoint.json(METRICS)
    checkpoint.check_current()
    return {
        int(weights),
        int(vocabulary.removeprefix("word")),
        metrics["number"],
        checkpoint.config["number"],
    }
