"""The tasks by their names in `--task` and `config.json`.

A new task is a folder here and an entry in `TASKS`; the other tables are for those that need them.
"""

from common.registry import Registry

# Subclasses of tasks.base.Task.
TASKS = Registry(
    multi_label="tasks.classification.task:MultiLabel",
    multi_class="tasks.classification.task:MultiClass",
    token_classification="tasks.token_classification.task:TokenClassification",
    sequence_to_sequence="tasks.sequence_to_sequence.task:SequenceToSequence",
    multiple_choice="tasks.multiple_choice.task:MultipleChoice",
    regression="tasks.regression.task:Regression",
    question_answering="tasks.question_answering.task:QuestionAnswering",
)

DEFAULT_TASK = "multi_label"

# What a checkpoint can do that is only pre-trained: functions from a checkpoint to a task, or to
# None if it is none for that. The first one decides.
PRETRAINED_TASKS = Registry(
    language_model="tasks.language_model.from_checkpoint:pretrained_task",
)

# The tasks' own options, if they have any. They are separate from the tasks, so that `--help` lists
# them without loading Keras, which takes seconds.
TASK_OPTIONS = Registry(
    multi_label="tasks.classification.options:ClassificationOptions",
    multi_class="tasks.classification.options:ClassificationOptions",
    token_classification="tasks.token_classification.options:TokenClassificationOptions",
    question_answering="tasks.question_answering.options:QuestionAnsweringOptions",
    sequence_to_sequence="tasks.sequence_to_sequence.options:SequenceToSequenceOptions",
    multiple_choice="tasks.multiple_choice.options:MultipleChoiceOptions",
    regression="tasks.regression.options:RegressionOptions",
)

# Options of what uses a checkpoint, which replace what its task decides by: None where they are not
# given. See `tasks.base.Task.use_options`.
DECISION_OPTIONS = Registry(
    sequence_to_sequence="tasks.generation_options:GenerationOptions",
    language_model="tasks.language_model.options:ContinuationOptions",
)

# The files of the bundled sample, by split, for the tasks that it has examples of.
SAMPLES = {
    "multi_label": "data/sample_{split}.txt",
    "multi_class": "data/sample_{split}.txt",
    "token_classification": "data/sample_entities_{split}.jsonl",
    "question_answering": "data/sample_questions_{split}.jsonl",
    "multiple_choice": "data/sample_choices_{split}.jsonl",
    "sequence_to_sequence": "data/sample_titles_{split}.txt",
    "regression": "data/sample_pairs_{split}.txt",
}

# Functions from the files of a run, and how to read them, to the training texts, read while they
# are asked for. The default of `--tokenize_style` depends on them; without an entry it is "word".
TRAINING_TEXTS = Registry(
    multi_label="tasks.classification.records:training_texts",
    multi_class="tasks.classification.records:training_texts",
    token_classification="tasks.token_classification.records:training_texts",
    sequence_to_sequence="tasks.sequence_to_sequence.records:training_texts",
    multiple_choice="tasks.multiple_choice.records:training_texts",
    regression="tasks.regression.records:training_texts",
    question_answering="tasks.question_answering.data:training_texts",
)

# Functions like those of `TRAINING_TEXTS`, for tasks of which other texts than all decide on the
# default of `--tokenize_style`.
STYLE_TEXTS = Registry(
    question_answering="tasks.question_answering.data:style_texts",
)
