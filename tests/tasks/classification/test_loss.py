"""The loss with soft labels, by hand and against PyTorch."""

import numpy as np
import pytest
import tensorflow as tf

from data_util.reading.labels import LabelSet
from tasks.classification.task import MultiClass, MultiLabel

LABELS = LabelSet("ABCD")
TASKS = [MultiClass, MultiLabel]


def made(task_class, temperature):
    task = task_class(LABELS)
    task.temperature = temperature
    return task


def rows_of(task, teacher, soft_weight, hard_weight):
    """The inputs of rows for which a teacher has these logits."""
    soft = np.asarray(task.probabilities(teacher / task.temperature), np.float32)
    weights = {"soft_weights": soft_weight, "hard_weights": hard_weight}
    arrays = {name: np.full(len(soft), weight, np.float32) for name, weight in weights.items()}
    return {"soft_targets": soft, **arrays}


@pytest.fixture
def numbers():
    """Teacher logits, student logits, and true labels."""
    random = np.random.default_rng(5)
    teacher, student = (random.normal(size=(2, 6, 4)) * 3).astype(np.float32)
    targets = np.eye(4, dtype=np.float32)[random.integers(0, 4, 6)]
    return teacher, student, targets


def test_by_hand():
    """Two labels, T = 2: the teacher says 3/4 and 1/4, the student 1/2 and 1/2."""
    teacher = np.array([[2 * np.log(3), 0]], np.float32)
    task = MultiClass(LabelSet("AB"))
    task.temperature = 2.0
    inputs = rows_of(task, teacher, 0.9, 0.1)
    values, weights = task.loss(inputs, np.array([[0.0, 1.0]]), np.zeros((1, 2), np.float32))
    divergence = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    assert float(values[0]) == pytest.approx(0.1 * np.log(2) + 0.9 * 4 * divergence, rel=1e-5)
    assert weights is None


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("task_class", TASKS)
def test_as_in_pytorch(task_class, temperature, numbers):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    functional = torch.nn.functional
    teacher, student, targets = numbers
    task = made(task_class, temperature)
    ours = tf.Variable(student)
    with tf.GradientTape() as tape:
        values, _ = task.loss(rows_of(task, teacher, 0.7, 0.3), targets, ours)
        total = tf.reduce_mean(values)
    theirs = torch.tensor(student, requires_grad=True)
    said, true = torch.tensor(teacher) / temperature, torch.tensor(targets)
    if task.exclusive:
        hard = functional.cross_entropy(theirs, true, reduction="none")
        soft = functional.kl_div(
            functional.log_softmax(theirs / temperature, -1),
            functional.log_softmax(said, -1),
            log_target=True,
            reduction="none",
        ).sum(-1)
    else:
        hard = functional.binary_cross_entropy_with_logits(theirs, true, reduction="none").sum(-1)

        def outcomes(logits):
            signs = torch.stack([logits, -logits], -1)
            return functional.logsigmoid(signs)

        soft = functional.kl_div(
            outcomes(theirs / temperature), outcomes(said), log_target=True, reduction="none"
        ).sum((-2, -1))
    expected = 0.3 * hard + 0.7 * temperature**2 * soft
    np.testing.assert_allclose(values, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    expected.mean().backward()
    gradient = tape.gradient(total, ours)
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("task_class", TASKS)
def test_a_student_that_is_its_teacher_loses_nothing(task_class, numbers):
    teacher, _, targets = numbers
    sure = np.array([[60.0, -60, -60, -60]] * 6, np.float32)  # Probabilities of 0 and 1.
    for logits in (teacher, sure):
        for temperature in (1.0, 3.0):
            task = made(task_class, temperature)
            variable = tf.Variable(logits)
            with tf.GradientTape() as tape:
                values, _ = task.loss(rows_of(task, logits, 1, 0), targets, variable)
            np.testing.assert_allclose(values, np.zeros(6), atol=2e-5)
            np.testing.assert_allclose(tape.gradient(values, variable), 0, atol=1e-5)


@pytest.mark.parametrize("task_class", TASKS)
def test_gradients_do_not_shrink_with_the_temperature(task_class, numbers):
    """For T much above the logits, each label's gradient is T^2 (q - p) / T, which has a limit."""
    teacher, student, targets = numbers

    def gradient(temperature):
        task, variable = made(task_class, temperature), tf.Variable(student)
        with tf.GradientTape() as tape:
            values, _ = task.loss(rows_of(task, teacher, 1, 0), targets, variable)
        return np.asarray(tape.gradient(values, variable))

    difference = student - teacher
    if task_class.exclusive:  # (z_i - mean z - v_i + mean v) / N, Hinton et al., equation 4.
        limit = (difference - difference.mean(axis=1, keepdims=True)) / 4
    else:  # The slope of the sigmoid at 0 is 1/4.
        limit = difference / 4
    np.testing.assert_allclose(gradient(300.0), limit, rtol=0.02, atol=0.02)
    np.testing.assert_allclose(gradient(30.0), limit, rtol=0.2, atol=0.2)


@pytest.mark.parametrize("task_class", TASKS)
def test_without_a_hard_label_the_targets_do_not_matter(task_class, numbers):
    teacher, student, targets = numbers
    task = made(task_class, 2.0)
    inputs = rows_of(task, teacher, 0.9, 0)
    one, _ = task.loss(inputs, targets, student)
    other, _ = task.loss(inputs, np.zeros_like(targets), student)
    np.testing.assert_array_equal(one, other)
    # A row of which no teacher says anything is that of a run without teachers.
    inputs = {**rows_of(task, teacher, 0, 1), "soft_targets": np.zeros_like(targets)}
    np.testing.assert_allclose(
        task.loss(inputs, targets, student)[0], task.loss({}, targets, student)[0], rtol=1e-6
    )
