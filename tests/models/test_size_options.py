import subprocess
import sys

from models.config import POSITIONS
from models.size_options import learning_rates, size_options


def test_size_options():
    options = {option.flag: option for option in size_options()}
    assert list(options)[:5] == ["d_model", "num_header", "d_k", "d_v", "max_position"]
    assert {"num_layer", "d_ff", "num_filters", "normalization"} < options.keys()
    assert not {"vocab_size", "filter_sizes", "num_heads", "num_layers"} & options.keys()
    layers = options["num_layer"]
    assert (layers.field, layers.type, layers.minimum, layers.maximum) == (
        "num_layers",
        int,
        1,
        200,
    )
    assert options["position"].choices == POSITIONS
    assert "default none for text_cnn, rotary for transformer" in options["position"].help


def test_listing_the_sizes_loads_no_keras():
    program = (
        "import sys; from models.size_options import size_options; size_options(); "
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_learning_rates():
    assert learning_rates("pretraining") == (
        "0.002 for text_cnn, 0.001 for transformer, 0.002 for lstm"
    )
    assert learning_rates("fine_tuning") == (
        "0.003 for text_cnn, 0.0015 for transformer, 0.003 for lstm"
    )
