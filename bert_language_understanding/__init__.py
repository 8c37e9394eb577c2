"""The Python interface: loads checkpoints and predicts.

>>> from bert_language_understanding import load
>>> load("checkpoint_lm_save").predict("被告人盗窃手机一部。")
{'labels': [{'label': '盗窃', 'probability': 0.98}]}
"""

from bert_language_understanding.classifier import Classifier, load

__all__ = ["Classifier", "load"]
