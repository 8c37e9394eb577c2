"""How long fine-tuning trains if the options do not say."""

from training.options.scripts import FineTuningOptions

NUM_EPOCHS = 10
# With a few hundred examples, ten epochs are a few dozen steps, in which a network learns nothing.
MIN_STEPS = 600
MAX_VALIDATIONS = 20


def with_epochs(options: FineTuningOptions, steps_per_epoch: int) -> FineTuningOptions:
    """Replaces a number of epochs of 0, and an interval between validations of 0, by numbers.

        >>> with_epochs(FineTuningOptions(), steps_per_epoch=5).num_epochs
        120

    Args:
        options: of the run.
        steps_per_epoch: the number of optimizer steps in an epoch.
    """
    epochs = options.num_epochs or max(NUM_EPOCHS, -(-MIN_STEPS // steps_per_epoch))
    every = options.validate_every or max(1, -(-epochs // MAX_VALIDATIONS))
    return options.replace(num_epochs=epochs, validate_every=every)
