"""Serves predictions over HTTP, with a page to try them."""

import importlib.util

from common.errors import OptionError
from serving.options import ServingOptions
from training.command_line import run

NEEDED = {"fastapi": "fastapi", "uvicorn": "uvicorn", "prometheus_client": "prometheus-client"}


def serve(options: ServingOptions) -> None:
    """Serves requests until it receives SIGTERM or Ctrl-C."""
    missing = [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise OptionError(f"serve.py needs {', '.join(missing)}: pip install {' '.join(missing)}")
    # Imported here, so that `--help` is fast.
    from serving import server

    if options.exported:
        from conversion.exported_predictor import ExportedPredictor

        server.serve(options, ExportedPredictor.from_options)
    else:
        from training.prediction import Predictor

        server.serve(options, Predictor.from_options)


def main() -> None:
    """Runs the command."""
    run(
        serve,
        ServingOptions,
        "Label texts over HTTP with a fine-tuned checkpoint or an export of one; or fill in [MASK] "
        "or continue texts with a pre-trained one.",
    )


if __name__ == "__main__":
    main()
