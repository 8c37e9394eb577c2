"""The options of the service."""

from dataclasses import dataclass

from common.errors import OptionError
from common.options import Options, option


@dataclass(frozen=True)
class ServingOptions(Options):
    """Labels over HTTP"""

    ckpt_dir: str = option("checkpoint_lm_save", "the fine-tuned checkpoint")
    threshold: float | None = option(
        None, "use this instead of the checkpoint's own thresholds", minimum=0, maximum=1
    )
    host: str = option(
        "127.0.0.1", "address to listen on; 0.0.0.0: all network interfaces of this machine"
    )
    port: int = option(8000, "port to listen on; 0: any free port", minimum=0, maximum=65535)
    max_batch_size: int = option(
        32, "maximum number of texts in a batch; 1: no batching", minimum=1
    )
    max_wait_ms: float = option(
        5.0,
        "longest time in ms that a text waits for others to join its batch",
        minimum=0,
        maximum=10_000,
    )
    max_queue: int = option(1024, "maximum number of waiting texts; beyond it: 503", minimum=1)
    max_texts: int = option(64, "maximum number of texts in a request; beyond it: 422", minimum=1)
    max_characters: int = option(
        20_000, "maximum number of characters in a text; beyond it: 422", minimum=1
    )
    max_body_bytes: int = option(
        2_000_000, "maximum size of a request in bytes; beyond it: 413", minimum=1
    )
    read_timeout: float = option(
        10.0,
        "seconds within which a client must have sent its request; after that: 408",
        minimum=0.1,
    )
    stop_timeout: float = option(
        30.0, "seconds for the requests in progress to finish after SIGTERM or Ctrl-C", minimum=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_texts > self.max_queue:
            raise OptionError(
                f"--max_texts={self.max_texts}: must be at most --max_queue={self.max_queue}."
            )
