"""Pre-training: trains a backbone on raw text (masked LM, next sentence prediction)."""

from training.command_line import run
from training.options.scripts import PretrainingOptions


def pretrain(options: PretrainingOptions) -> dict:
    """Runs pre-training from the files to the checkpoint; returns the content of `metrics.json`."""
    # Imported here, so that `--help` is fast and the worker processes that read text stay small.
    from training import pretraining
    from training.devices.distribution import distributed

    with (
        distributed(options, batch_size=options.batch_size),  # one device, or several
        pretraining.open_folder(options) as folder,  # locked against other runs
    ):
        if folder.finished:
            return folder.metrics()
        data = pretraining.prepare_data(options)  # text -> vocabulary, cache, batches
        model = pretraining.build_model(options, data)  # backbone + a head for each objective
        return pretraining.train_model(options, data, model, folder)  # epochs -> checkpoints


def main() -> None:
    """Runs the command."""
    run(pretrain, PretrainingOptions, "Pre-train a backbone on raw text.", keep_memory=True)


if __name__ == "__main__":
    main()
