"""The row plans and the noises of pre-training batches, by name.

A new row plan or noise is a file of its own and an entry here.
"""

from common.registry import Registry

ROWS = Registry(
    single="data_util.pretraining.rows.single:SingleRows",
    pairs="data_util.pretraining.rows.pairs:PairRows",
    neighbours="data_util.pretraining.rows.neighbours:NeighbourRows",
)

NOISES = Registry(
    token="data_util.pretraining.noise.token:TokenNoise",
    whole_word="data_util.pretraining.noise.whole_word:WholeWordNoise",
    ngram="data_util.pretraining.noise.ngram:NgramNoise",
    span="data_util.pretraining.noise.span:SpanNoise",
    phrase="data_util.pretraining.noise.phrase:PhraseNoise",
    word_order="data_util.pretraining.noise.word_order:WordOrderNoise",
    permutation="data_util.pretraining.noise.permutation:PermutationNoise",
    next_token="data_util.pretraining.noise.next_token:NextTokenNoise",
    prefix="data_util.pretraining.noise.prefix:PrefixNoise",
    neighbour_tokens="data_util.pretraining.noise.neighbour_tokens:NeighbourTokensNoise",
    permute="data_util.pretraining.noise.permute:PermuteNoise",
    delete="data_util.pretraining.noise.delete:DeleteNoise",
    infill="data_util.pretraining.noise.infill:InfillNoise",
    mask="data_util.pretraining.noise.mask:MaskNoise",
    rotate="data_util.pretraining.noise.rotate:RotateNoise",
    mass="data_util.pretraining.noise.mass:MassNoise",
    sentinels="data_util.pretraining.noise.sentinels:SentinelNoise",
    none="data_util.pretraining.noise.none:NoNoise",
)
