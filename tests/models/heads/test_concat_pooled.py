import numpy as np

from models.heads.concat_pooled import ConcatPooledHead


def test_reads_the_last_token_the_maximum_and_the_mean(config_of):
    rng = np.random.default_rng(0)
    head = ConcatPooledHead(config_of("lstm"), 3, 0.0)
    head.build()
    sequence = rng.normal(size=(2, 6, 16)).astype("float32")
    lengths = [6, 4]
    mask = np.arange(6) < np.array(lengths)[:, None]
    found = np.asarray(head({"sequence_output": sequence}, mask))
    for row, length in enumerate(lengths):
        real = sequence[row, :length]
        document = np.concatenate([real[-1], real.max(axis=0), real.mean(axis=0)])
        kernel, bias = map(np.asarray, head.scores.weights)
        np.testing.assert_allclose(found[row], document @ kernel + bias, atol=1e-5)
