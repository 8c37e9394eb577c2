"""Backbones, poolings, objectives, heads and tunings by the names that options give them.

To add one is to add a file and a row here. A row says where to find a thing, so that its name can
be listed and checked without loading Keras, which takes seconds.
"""

from common.registry import Registry

# Subclasses of models.backbones.base.Backbone.
BACKBONES = Registry(
    text_cnn="models.backbones.text_cnn:TextCNN",
    transformer="models.backbones.transformer:TransformerEncoder",
    lstm="models.backbones.lstm:LSTM",
)

DEFAULT_BACKBONE = "text_cnn"

# Subclasses of models.config.BackboneConfig, for backbones whose sizes are to be listed without
# loading Keras. Without a row here the sizes are those of the backbone's `config_class`.
BACKBONE_CONFIGS = Registry(
    text_cnn="models.backbones.text_cnn_config:TextCNNConfig",
    transformer="models.backbones.transformer_config:TransformerConfig",
    lstm="models.backbones.lstm_config:LSTMConfig",
)

# Functions from a BackboneConfig to a layer.
POOLINGS = Registry(
    cls="models.layers.pooling:cls_pooling",
    max="models.layers.pooling:max_pooling",
    mean="models.layers.pooling:mean_pooling",
    attention="models.layers.pooling:attention_pooling",
)

# Subclasses of models.objectives.base.Objective.
OBJECTIVES = Registry(
    masked_lm="models.objectives.masked_lm:MaskedLMHead",
    next_sentence="models.objectives.next_sentence:NextSentenceHead",
    label_mention="models.objectives.label_mention:LabelMentionHead",
    sentence_order="models.objectives.sentence_order:SentenceOrderHead",
    sentence_structure="models.objectives.sentence_structure:SentenceStructureHead",
    word_order="models.objectives.word_order:WordOrderHead",
    span_boundary="models.objectives.span_boundary:SpanBoundaryHead",
    causal_lm="models.objectives.causal_lm:CausalLMHead",
    two_way_lm="models.objectives.two_way_lm:TwoWayLMHead",
    permutation_lm="models.objectives.permutation_lm:PermutationLMHead",
    replaced_token="models.objectives.replaced_token:ReplacedTokenHead",
    neighbour_sentence="models.objectives.neighbour_sentence:NeighbourSentenceHead",
    denoising="models.objectives.denoising:DenoisingHead",
    prefix_lm="models.objectives.prefix_lm:PrefixLMHead",
)
DEFAULT_OBJECTIVES = ("masked_lm", "next_sentence")  # BERT's

# The objectives' own options, where they have any: of their `settings`, without loading Keras.
OBJECTIVE_OPTIONS = Registry(
    masked_lm="models.objectives.token_prediction_options:TokenPredictionOptions",
    word_order="models.objectives.token_prediction_options:TokenPredictionOptions",
    span_boundary="models.objectives.token_prediction_options:TokenPredictionOptions",
    causal_lm="models.objectives.token_prediction_options:TokenPredictionOptions",
    two_way_lm="models.objectives.token_prediction_options:TokenPredictionOptions",
    permutation_lm="models.objectives.token_prediction_options:TokenPredictionOptions",
    replaced_token="models.objectives.replaced_token_options:ReplacedTokenOptions",
    label_mention="models.objectives.label_mention_options:LabelMentionOptions",
    denoising="models.objectives.denoising_options:DenoisingOptions",
    prefix_lm="models.objectives.token_prediction_options:TokenPredictionOptions",
)

# Subclasses of models.heads.base.ClassificationHead.
HEADS = Registry(
    alignment="models.heads.alignment:AlignmentHead",
    max_pooled="models.heads.max_pooled:MaxPooledHead",
    next_sentence="models.heads.next_sentence:PretrainedPairHead",
    pooled="models.heads.pooled:PooledHead",
    concat_pooled="models.heads.concat_pooled:ConcatPooledHead",
)

# Subclasses of models.tuning.base.Tuning.
TUNINGS = Registry(
    full="models.tuning.full:Full",
    frozen="models.tuning.frozen:Frozen",
    gradual="models.tuning.gradual:Gradual",
    adapter="models.tuning.adapter:AdapterTuning",
    lora="models.tuning.lora:LoRA",
)

# The arguments of their constructors, where they have any, without loading Keras.
TUNING_OPTIONS = Registry(
    gradual="models.tuning.options:GradualOptions",
    adapter="models.tuning.options:AdapterOptions",
    lora="models.tuning.options:LoRAOptions",
)
