"""Families of released models by their `model_type` in `config.json`.

To add one is to add a file in `conversion/released/families/` and a row here.
"""

from common.registry import Registry

# Instances of subclasses of conversion.released.families.base.Family.
FAMILIES = Registry(
    bert="conversion.released.families.bert:BERT",
    electra="conversion.released.families.electra:ELECTRA",
    distilbert="conversion.released.families.distilbert:DISTILBERT",
    roberta="conversion.released.families.roberta:ROBERTA",
    albert="conversion.released.families.albert:ALBERT",
)

DEFAULT_FAMILY = "bert"
