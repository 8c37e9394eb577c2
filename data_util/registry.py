"""What pre-training batches can be made of, by name.

A new row plan or noise is a file of its own and a row here.
"""

from common.registry import Registry

ROWS = Registry(
    single="data_util.pretraining.rows.single:SingleRows",
    pairs="data_util.pretraining.rows.pairs:PairRows",
)

NOISES = Registry(
    token="data_util.pretraining.noise.token:TokenNoise",
    none="data_util.pretraining.noise.none:NoNoise",
)
