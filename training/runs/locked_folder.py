"""An output folder that is locked against other runs and contains no symbolic links."""

from pathlib import Path
from typing import Self

from common.errors import OptionError, TrainingError
from training.runs.run_lock import RunLock


class LockedFolder:
    """Creates a folder and locks it; a context manager.

    Missing parents are created too. Created folders that are still empty are removed on exit.

        with LockedFolder(Path("checkpoint_lm"), "ckpt_dir") as folder:
            folder.refuse_links(folder.path / "last")

    Args:
        path: the folder.
        option: the name of the option that gives it, for messages.

    Attributes:
        path: the folder.

    Raises:
        OptionError: the folder cannot be created, or another run has locked it (on entering).
        OSError: the folder cannot be written (on entering).
    """

    def __init__(self, path: Path, option: str) -> None:
        self.path = path
        self._option = option
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        self._make()
        try:
            self._lock = RunLock(self.path, self._option)
        except BaseException:
            self._remove_made()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()
        self._remove_made()

    def refuse_links(self, *folders: Path) -> None:
        """Rejects symbolic links, through which a run would write or remove files elsewhere.

        Raises:
            OptionError: one of them is a symbolic link.
        """
        for path in folders:
            if path.is_symlink():
                raise OptionError(
                    f"--{self._option}={self.path}: {path.relative_to(self.path)} in it is a "
                    "symbolic link; nothing is written through links. Replace it by a folder."
                )

    def check_in_place(self) -> None:
        """Checks that the folder was not moved away or replaced since it was locked.

        Raises:
            TrainingError: it was; nothing is written to a new folder of its name.
        """
        if not self._lock.is_in_place():
            raise TrainingError(
                f"--{self._option}={self.path}: the folder was moved or removed while the run was "
                "writing to it. Move it back and repeat the command to resume."
            )

    def _make(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise OptionError(f"--{self._option}={self.path}: this is a file; give a folder.")
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        try:
            for path in reversed(missing):
                path.mkdir(exist_ok=True)
                self._made.append(path)
        except OSError as error:
            self._remove_made()
            raise OptionError(
                f"--{self._option}={self.path}: this folder cannot be created "
                f"({error.strerror}). Give another folder."
            ) from error

    def _remove_made(self) -> None:
        for path in reversed(self._made):
            try:
                path.rmdir()
            except OSError:
                return
