"""How sequences are generated."""

from dataclasses import dataclass

from common.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class GenerationSettings:
    """How sequences are generated.

        >>> GenerationSettings(eos_id=3, max_length=40, num_beams=4)  # beam search
        >>> GenerationSettings(eos_id=3, max_length=40, sample=True, top_p=0.9)

    Attributes:
        max_length: the most tokens that are generated, without the prompt and with the token that
            ends a sequence.
        eos_id: the token that ends a sequence; None: none does.
        num_beams: how many sequences the beam search keeps; 1: it is greedy.
        length_penalty: a sequence's score is its log-probability divided by its length to this
            power: 0 prefers short sequences, 1 is the mean per token. Beam search chooses by it.
        no_repeat_ngram: no n-gram of this many tokens comes twice, the prompt included; 0: any may.
        sample: whether tokens are drawn at random.
        temperature: what logits are divided by before a token is drawn.
        top_k: draw among this many most probable tokens; 0: among all.
        top_p: draw among the most probable tokens whose probabilities add up to this.
        banned_ids: tokens that are never generated.

    Raises:
        ConfigError: a value is out of its bounds, or two contradict each other.
    """

    max_length: int
    eos_id: int | None = None
    num_beams: int = 1
    length_penalty: float = 1.0
    no_repeat_ngram: int = 0
    sample: bool = False
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    banned_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (("max_length", 1), ("num_beams", 1), ("no_repeat_ngram", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        if not self.temperature > 0:
            raise ConfigError(f"temperature must be above 0, not {self.temperature}.")
        if self.top_k < 0:
            raise ConfigError(f"top_k must be at least 0, not {self.top_k}.")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p must be above 0 and at most 1, not {self.top_p}.")
        if self.sample and self.num_beams > 1:
            raise ConfigError("beam search draws nothing: leave out num_beams, or sample.")
