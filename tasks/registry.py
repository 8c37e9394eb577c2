"""The tasks by the names that `--task` and `config.json` give them.

To add one is to add a folder here and its rows in these two tables.
"""

from common.registry import Registry

# Subclasses of tasks.base.Task.
TASKS = Registry(
    multi_label="tasks.classification.task:MultiLabel",
    multi_class="tasks.classification.task:MultiClass",
)

DEFAULT_TASK = "multi_label"

# The tasks' own options, where they have any. They stand apart from the tasks, so that `--help`
# lists them without loading Keras, which takes seconds.
TASK_OPTIONS = Registry(
    multi_label="tasks.classification.options:ClassificationOptions",
    multi_class="tasks.classification.options:ClassificationOptions",
)
