"""The options of the service."""

import ipaddress
from dataclasses import dataclass

from common.errors import OptionError
from common.options import option
from training.options.groups import PredictorOptions

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class ServingOptions(PredictorOptions):
    """Labels over HTTP"""

    examples_file: str = option(
        "",
        "texts that the page offers as examples, in a format of --input of predict.py; default: "
        "one of its own",
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
    request_timeout: float = option(
        30.0,
        "seconds within which a request that has arrived is answered; after that: 503",
        minimum=0.1,
    )
    max_connections: int = option(
        1000,
        "maximum number of open connections; beyond it those that have been idle for longest are "
        "closed",
        minimum=1,
    )
    allowed_hosts: list[str] = option(
        [],
        "names by which clients may address the service (the header Host), or *; default: if it "
        "listens on this machine only, the names of this machine, otherwise any",
    )
    cors_origins: list[str] = option(
        [], "origins of other web pages that may use the service, such as https://example.org, or *"
    )
    stop_timeout: float = option(
        30.0,
        "seconds after SIGTERM or Ctrl-C within which the service ends; requests in progress have "
        "all but two of them to finish",
        minimum=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_texts > self.max_queue:
            raise OptionError(
                f"--max_texts={self.max_texts}: must be at most --max_queue={self.max_queue}."
            )

    def hosts(self) -> frozenset[str]:
        """The names by which clients may address the service; empty: any."""
        if self.allowed_hosts:
            return frozenset() if "*" in self.allowed_hosts else frozenset(self.allowed_hosts)
        try:
            local = ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            local = self.host == "localhost"
        # Otherwise a web page could reach it by a name of its own that it points to 127.0.0.1.
        return frozenset({self.host, *_LOCAL_HOSTS}) if local else frozenset()
