"""Backbones, poolings, objectives and heads by the names that options give them.

To add one is to add a file and a row here. A row says where to find a thing, so that its name can
be listed and checked without loading Keras, which takes seconds.
"""

from common.registry import Registry

# Subclasses of models.backbone.Backbone.
BACKBONES = Registry(
    text_cnn="models.text_cnn:TextCNN",
    transformer="models.transformer:TransformerEncoder",
)

# Subclasses of models.config.BackboneConfig, for backbones whose sizes are to be listed without
# loading Keras. Without a row here the sizes are those of the backbone's `config_class`.
BACKBONE_CONFIGS = Registry(
    text_cnn="models.backbones.text_cnn_config:TextCNNConfig",
    transformer="models.backbones.transformer_config:TransformerConfig",
)

# Functions from a BackboneConfig to a layer.
POOLINGS = Registry(
    cls="models.pooling:cls_pooling",
    max="models.pooling:max_pooling",
    mean="models.pooling:mean_pooling",
    attention="models.pooling:attention_pooling",
)

# Subclasses of models.objective.Objective.
OBJECTIVES = Registry(
    masked_lm="models.masked_lm:MaskedLMHead",
    next_sentence="models.next_sentence:NextSentenceHead",
)

# Subclasses of models.classification_heads.ClassificationHead.
HEADS = Registry(
    alignment="models.pair_heads:AlignmentHead",
    max_pooled="models.classification_heads:MaxPooledHead",
    next_sentence="models.pair_heads:NextSentenceStart",
    pooled="models.classification_heads:PooledHead",
)
