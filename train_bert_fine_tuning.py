"""Fine-tuning: trains a pre-trained backbone with the head of a task on labelled examples."""

from training.command_line import run
from training.options.scripts import FineTuningOptions


def fine_tune(options: FineTuningOptions) -> dict:
    """Runs fine-tuning from the files to the checkpoint; returns the content of `metrics.json`.

    With `--cross_validation` it does so for each fold; it returns what `cross_validated` does.
    """
    # Imported here, so that `--help` is fast and the worker processes that read text stay small.
    from training import fine_tuning
    from training.autotune import tuned
    from training.cross_validation import cross_validated
    from training.devices.distribution import distributed

    if options.cross_validation:
        return cross_validated(options, fine_tune)
    options = tuned(options, fine_tune)  # --autotune_minutes: first short runs, to compare settings
    with (
        distributed(options, batch_size=options.batch_size),  # one device, or several
        fine_tuning.open_folder(options) as folder,  # locked against other runs
    ):
        if folder.finished:
            return folder.metrics()
        checkpoint = fine_tuning.open_checkpoint(options)  # pre-trained, or None
        data = fine_tuning.prepare_data(options, checkpoint)  # text -> labels, caches, batches
        model, report = fine_tuning.build_model(options, data, checkpoint)  # backbone + new head
        return fine_tuning.train_model(options, data, model, report, folder)  # epochs -> metrics


def main() -> None:
    """Runs the command."""
    run(
        fine_tune,
        FineTuningOptions,
        "Fine-tune a pre-trained backbone on labelled documents.",
        keep_memory=True,
    )


if __name__ == "__main__":
    main()
