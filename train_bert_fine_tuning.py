"""Step 2: fine-tune the pre-trained backbone on labelled documents."""

from training.command_line import run
from training.options import FineTuningOptions


def fine_tune(options: FineTuningOptions) -> dict:
    """The whole of step 2; returns what it wrote to `metrics.json`."""
    # Imported here: `--help` is instant, and the processes that read text stay small.
    from training import fine_tuning
    from training.distribution import distributed

    with (
        distributed(options, batch_size=options.batch_size),  # one device, or several
        fine_tuning.open_folder(options) as folder,  # no other run writes there meanwhile
    ):
        if folder.finished:
            return folder.metrics()
        checkpoint = fine_tuning.open_checkpoint(options)  # of step 1, or None
        data = fine_tuning.prepare_data(options, checkpoint)  # text -> labels, caches, batches
        model, report = fine_tuning.build_model(options, data, checkpoint)  # backbone + fresh head
        return fine_tuning.train_model(options, data, model, report, folder)  # epochs -> figures


if __name__ == "__main__":
    run(fine_tune, FineTuningOptions, "fine-tune a backbone on labelled documents (step 2)")
