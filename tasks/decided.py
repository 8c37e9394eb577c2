"""What decides on a task's results after fine-tuning."""

from typing import ClassVar

from common.errors import OptionError
from common.options import Options, declarations
from tasks.registry import DECISION_OPTIONS


class Decided:
    """The part of a task that replaces what decides on its results.

    Attributes:
        name: of the task.
    """

    name: ClassVar[str]

    def use_decision(
        self,
        threshold: float | None = None,
        threshold_file: str = "",
        at_least_one: bool | None = None,
    ) -> None:
        """Replaces what decides on results, each option that is given, as the checkpoint has it.

        Raises:
            OptionError: this task has no such option.
            InputError: the file cannot be used.
        """
        given = {"threshold": threshold, "threshold_file": threshold_file or None}
        for name, value in {**given, "at_least_one": at_least_one}.items():
            if value is not None:
                raise OptionError(f"--{name}: the task {self.name} has no such option.")

    def use_options(self, options: Options) -> None:
        """Replaces what decides on results by the options of `tasks.registry.DECISION_OPTIONS`.

        Those that are None change nothing. A task that has such options extends this method.

        Raises:
            OptionError: an option was given that this task does not have, or that cannot be.
        """
        own = declarations(DECISION_OPTIONS[self.name]) if self.name in DECISION_OPTIONS else {}
        for group in map(DECISION_OPTIONS.__getitem__, DECISION_OPTIONS):
            for name in declarations(group):
                if name not in own and getattr(options, name, None) is not None:
                    raise OptionError(f"--{name}: the task {self.name} has no such option.")
