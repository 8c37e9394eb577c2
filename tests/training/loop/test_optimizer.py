import keras
import numpy as np
import pytest

from training.loop.optimizer import (
    AdamW,
    WarmupDecay,
    last_learning_rate,
    make_optimizer,
    total_steps,
)
from training.options.groups import OptimizationOptions

SHAPES = {"kernel": (3, 4), "bias": (4,), "filters": (2, 3, 4), "scale": (4,)}
# Keras takes 1 - 0.999 with the precision of Python and the powers of 0.999 in float32, in which
# 1 - 0.999 is 5e-5 more. Of these betas, float32 rounds nothing.
EXACT = {"beta_1": 0.875, "beta_2": 1 - 2**-10}


def variables_of(seed=0):
    rng = np.random.default_rng(seed)
    return [
        keras.Variable(rng.normal(size=shape).astype("float32"), name=name)
        for name, shape in SHAPES.items()
    ]


def gradients_of(step, scale=1.0):
    rng = np.random.default_rng(100 + step)
    return [
        keras.ops.convert_to_tensor((scale * rng.normal(size=shape)).astype("float32"))
        for shape in SHAPES.values()
    ]


def values(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def run(optimizer, steps=6, scale=1.0):
    variables = variables_of()
    for step in range(steps):
        optimizer.apply_gradients(zip(gradients_of(step, scale), variables, strict=True))
    return values(variables)


@pytest.mark.parametrize(("betas", "rounding"), [(EXACT, 1e-6), ({}, 1e-5)])
@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_equals_keras_adamw(clip_norm, betas, rounding):
    ours = run(AdamW(WarmupDecay(0.1, 2, 6), decay=0.3, clip_norm=clip_norm, **betas))
    theirs = keras.optimizers.AdamW(
        WarmupDecay(0.1, 2, 6), weight_decay=0.3, global_clipnorm=clip_norm, **betas
    )
    theirs.exclude_from_weight_decay(var_names=["bias", "scale"])
    for our, their in zip(ours, run(theirs), strict=True):
        np.testing.assert_allclose(our, their, atol=rounding, rtol=0)


@pytest.mark.parametrize(("betas", "rounding"), [(EXACT, 0), ({}, 1e-5)])
def test_without_decay_it_is_adam(betas, rounding):
    ours = run(AdamW(0.1, decay=0.0, clip_norm=None, **betas))
    for our, their in zip(ours, run(keras.optimizers.Adam(0.1, **betas)), strict=True):
        np.testing.assert_allclose(our, their, atol=rounding, rtol=0)


def test_matrices_shrink_and_vectors_do_not():
    variables = variables_of()
    before = values(variables)
    optimizer = AdamW(0.1, decay=0.5)
    zeros = [np.zeros(shape, "float32") for shape in SHAPES.values()]
    optimizer.apply_gradients(zip(zeros, variables, strict=True))
    for name, variable, old in zip(SHAPES, values(variables), before, strict=True):
        factor = 1 - 0.1 * 0.5 if name in ("kernel", "filters") else 1.0
        np.testing.assert_allclose(variable, factor * old, rtol=1e-6)


def test_learning_rate_of_a_part():
    variables, plain, high = variables_of(), variables_of(), variables_of()
    optimizer = AdamW(WarmupDecay(0.1, 2, 6), decay=0.3)
    optimizer.scale_learning_rate(variables[:2], 3.0)
    one, three = AdamW(WarmupDecay(0.1, 2, 6), 0.3), AdamW(WarmupDecay(0.3, 2, 6), 0.3)
    for step in range(5):
        for each, of in ((optimizer, variables), (one, plain), (three, high)):
            each.apply_gradients(zip(gradients_of(step), of, strict=True))
    expected = values(high)[:2] + values(plain)[2:]
    for variable, value in zip(values(variables), expected, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-5)


def test_a_factor_of_zero_freezes():
    variables = variables_of()
    before = values(variables)
    optimizer = AdamW(0.1, decay=0.5)
    optimizer.scale_learning_rate(variables[2:], 0.0)
    optimizer.apply_gradients(zip(gradients_of(0), variables, strict=True))
    for index, (variable, old) in enumerate(zip(values(variables), before, strict=True)):
        assert (variable == old).all() == (index >= 2)


def test_clipping_by_the_norm_of_all():
    # Plain numpy: Adam's first moment after a step is 0.1 times the clipped gradient.
    gradients = [np.asarray(gradient) for gradient in gradients_of(0, scale=10.0)]
    norm = np.sqrt(sum((gradient.astype("float64") ** 2).sum() for gradient in gradients))
    assert norm > 1
    variables = variables_of()
    optimizer = AdamW(0.1, decay=0.0, clip_norm=1.0)
    optimizer.apply_gradients(zip(gradients_of(0, scale=10.0), variables, strict=True))
    moments = {v.path: np.asarray(v.value) for v in optimizer.variables if "momentum" in v.path}
    assert len(moments) == len(SHAPES)
    for name, gradient in zip(SHAPES, gradients, strict=True):
        moment = next(value for path, value in moments.items() if name in path)
        np.testing.assert_allclose(moment, 0.1 * gradient / norm, rtol=1e-4, atol=1e-8)


def test_small_gradients_are_not_clipped():
    for our, their in zip(
        run(AdamW(0.1, decay=0.0, clip_norm=1.0), scale=1e-2),
        run(AdamW(0.1, decay=0.0, clip_norm=None), scale=1e-2),
        strict=True,
    ):
        np.testing.assert_allclose(our, their, rtol=1e-6)


def test_last_learning_rate():
    optimizer, variables = AdamW(WarmupDecay(0.4, 2, 4)), variables_of()
    rates = []
    for step in range(4):
        optimizer.apply_gradients(zip(gradients_of(step), variables, strict=True))
        rates.append(optimizer.last_learning_rate())
    assert rates == pytest.approx([0.2, 0.4, 0.4 * 2 / 3, 0.4 / 3])
    assert AdamW(0.25).last_learning_rate() == 0.25


def test_config():
    optimizer = AdamW(WarmupDecay(0.1, 2, 6), decay=0.3, clip_norm=0.5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is AdamW
    for our, their in zip(run(again), run(optimizer), strict=True):
        np.testing.assert_array_equal(our, their)


def test_learns_a_linear_map():
    # y = x W: known solution, decay off.
    rng = np.random.default_rng(0)
    x, solution = rng.normal(size=(64, 3)).astype("float32"), np.array([[1.0], [-2.0], [0.5]])
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer=AdamW(WarmupDecay(0.2, 5, 150), decay=0.0), loss="mse")
    for _ in range(150):
        model.train_on_batch(x, x @ solution)
    np.testing.assert_allclose(model.get_weights()[0], solution, atol=0.01)


def test_the_learning_rate_is_known_behind_loss_scaling():
    optimizer = AdamW(WarmupDecay(0.1, 2, 6))
    scaled = keras.optimizers.LossScaleOptimizer(optimizer)
    variables = variables_of()
    for step in range(3):
        scaled.apply_gradients(zip(gradients_of(step), variables, strict=True))
    assert last_learning_rate(scaled) == last_learning_rate(optimizer) > 0


def rates(schedule, steps):
    return [float(schedule(step)) for step in range(steps)]


def test_by_hand():
    # Up in 4 steps to 0.8; then 6 steps down from it, the last of them still above 0.
    rise = [0.2, 0.4, 0.6, 0.8]
    fall = [0.8 * (10 - step) / 7 for step in range(4, 10)]
    assert rates(WarmupDecay(0.8, 4, 10), 10) == pytest.approx(rise + fall)
    assert fall[-1] == pytest.approx(0.8 / 7)


def test_ends():
    schedule = WarmupDecay(1e-3, 4, 10)
    assert float(schedule(10)) == 0
    assert float(schedule(1000)) == 0
    assert max(rates(schedule, 10)) == pytest.approx(1e-3)
    assert min(rates(schedule, 10)) > 0


@pytest.mark.parametrize(
    ("warmup", "total", "expected"),
    [
        (0, 4, [1, 3 / 4, 2 / 4, 1 / 4]),
        (4, 4, [1 / 4, 2 / 4, 3 / 4, 1]),
        (1, 1, [1]),
        (0, 0, [1]),
        (9, 3, [1 / 9, 2 / 9, 3 / 9]),
    ],
)
def test_extremes(warmup, total, expected):
    assert rates(WarmupDecay(1.0, warmup, total), len(expected)) == pytest.approx(expected)


def test_rises_and_falls_in_straight_lines():
    values = np.array(rates(WarmupDecay(2.0, 30, 100), 100))
    assert np.allclose(np.diff(values[:30], n=2), 0, atol=1e-6)
    assert np.allclose(np.diff(values[30:], n=2), 0, atol=1e-6)
    assert values.argmax() == 29


def test_config_of_the_schedule():
    schedule = WarmupDecay(0.5, 3, 9)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert rates(again, 10) == rates(schedule, 10)


def test_a_step_that_is_a_tensor():
    assert float(WarmupDecay(1.0, 2, 4)(keras.ops.convert_to_tensor(1, "int64"))) == 1.0


def test_a_variable_that_begins_later_is_updated_as_by_a_new_optimizer():
    late, moved = variables_of(), variables_of()
    optimizer = AdamW(0.1, decay=0.3, clip_norm=None)
    optimizer.begin_at(late[:2], 4)
    optimizer.build(late)
    fresh = AdamW(0.1, decay=0.3, clip_norm=None)
    for step in range(7):
        begun = late if step >= 4 else late[2:]
        gradients = gradients_of(step)[len(late) - len(begun) :]
        optimizer.apply(gradients, begun)
        if step < 4:
            for now, before in zip(late[:2], variables_of()[:2], strict=True):
                np.testing.assert_array_equal(now, before)
        else:
            fresh.apply(gradients_of(step)[:2], moved[:2])
    for ours, theirs in zip(late[:2], moved[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_optimizer_of_the_options():
    options = OptimizationOptions(num_epochs=5, warmup_ratio=0.2, weight_decay=0.3, clip_norm=2.0)
    steps = total_steps(options, lambda epoch: 10 + epoch)
    assert steps == 10 + 11 + 12 + 13 + 14
    optimizer = make_optimizer(options, 0.5, steps)
    assert (optimizer.decay, optimizer.global_clipnorm) == (0.3, 2.0)
    schedule = optimizer.get_config()["learning_rate"]["config"]
    assert schedule == {"peak": 0.5, "warmup_steps": 12, "total_steps": 60}
