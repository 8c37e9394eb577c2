"""Which of several options is right: a task of two files, with a line format of its own."""

from tasks.registry import TASK_OPTIONS, TASKS

NAME = "toy_choice"


def register():
    """Makes `--task=toy_choice` known."""
    if NAME not in TASKS:
        TASKS.register(NAME, "tests.toys.toy_task.task:ToyChoice")
        TASK_OPTIONS.register(NAME, "tests.toys.toy_task.records:ToyOptions")
