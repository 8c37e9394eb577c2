"""The row plans and the noises of pre-training batches, by name.

A new row plan or noise is a file of its own and an entry here.
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
