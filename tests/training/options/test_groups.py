import pytest

from common.errors import OptionError
from training.options.groups import DistributionOptions
from training.options.scripts import PretrainingOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_processes": 2}, r"--num_processes=2 needs --distribute=data_parallel, not none"),
        ({"process_id": 1}, r"--process_id=1: must be below --num_processes=1"),
        ({"distribute": "both"}, r"--distribute=both: must be one of none, mirrored, data_paral"),
        ({"distribute": "data_parallel", "num_processes": 2}, r"--coordinator=HOST:PORT"),
    ],
)
def test_processes_that_cannot_be(values, message):
    with pytest.raises(OptionError, match=message):
        DistributionOptions(**values)
    with pytest.raises(OptionError, match=message):
        PretrainingOptions(**values)


def test_several_devices_and_a_scaled_loss_do_not_go_together():
    with pytest.raises(OptionError, match=r"mixed_float16 .* mixed_bfloat16"):
        PretrainingOptions(distribute="mirrored", precision="mixed_float16")
