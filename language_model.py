"""Uses a pre-trained checkpoint as a language model: perplexity, [MASK], and continuation."""

from training.command_line import run
from training.options.language_model import LanguageModelOptions


def language_model(options: LanguageModelOptions) -> int:
    """Writes a line of JSON for each line of the input; returns the number of lines."""
    # Imported here, so that `--help` is fast.
    from training.language_model_run import run_language_model

    return run_language_model(options)


def main() -> None:
    """Runs the command."""
    run(language_model, LanguageModelOptions, "Score, fill in or continue texts.")


if __name__ == "__main__":
    main()
