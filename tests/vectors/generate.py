#!/usr/bin/python3
"""Makes torch.txt: losses, functions and optimisers as PyTorch computes them.

    /usr/bin/python3 generate.py torch.txt

The inputs are floats. Every result is there twice: computed in float64 from these inputs, as a
reference, and in float32, as a user of PyTorch would get it. The torch.txt beside this program was
made with Debian 12's package python3-torch, which is PyTorch 1.13.1 and calls itself 1.13.0a0; it
writes the same bytes every time.
"""
import os
import platform
import random
import sys
import textwrap
import warnings

# Before torch is imported: one set of kernels, whatever the processor could do.
os.environ.update(ATEN_CPU_CAPABILITY="avx2", OPENBLAS_CORETYPE="Haswell", OMP_NUM_THREADS="1",
                  ONEDNN_MAX_CPU_ISA="AVX2")

import torch
import torch.nn.functional as F

STEPS, STEPS_PER_ROW = 100, 5

HEADER = f"""\
# Losses, functions and optimisers of PyTorch {torch.__version__} ({platform.machine()}), made by
#     /usr/bin/python3 generate.py torch.txt
#
# Words, separated by blanks and line ends; a line that begins with # is a comment.
#     case <operation> <formula in PyTorch> <group> <label> <parameter> <transposes>
#     input<k> <tensor>              what follows up to the next case is computed from these floats
#     result <reduction>
#     upstream <tensor>              the gradient of the result that backward starts from
#     value64 <tensor>, value32 <tensor>
#     gradient64_<k> <tensor>, gradient32_<k> <tensor>
#     end
# A tensor is its number of dimensions, the dimensions, and its elements, exact in hexadecimal.
# ...64 was computed in float64, ...32 in float32. Parameter: delta or margin; transposes: 1 if the
# first factor of a matmul is transposed, plus 2 if the second is. Groups:
#     ordinary    numbers that a model would see, upstream gradient 1 (of functions: any)
#     scaled      the same with upstream gradient -0.73
#     tail        confident, tiny, huge, nearly equal and denormal numbers, upstream gradient 1
#     differs     where the library deliberately gives another result
#     trajectory  an optimiser on F.mse_loss(F.linear(input0, weight, bias), input1), which starts
#                 from input2 and input3 as weight and bias. Row k of value64 is both of them after
#                 {STEPS_PER_ROW} (k + 1) steps. input4 is the settings: learning rate, momentum,
#                 weight decay and Nesterov of SGD; learning rate, beta1, beta2, epsilon and weight
#                 decay of AdamW.
"""

INFINITY = float("inf")
DENORMAL = 2.0**-149  # the least positive float
UPSTREAM_OF_SCALED = -0.73
EPSILON = torch.tensor(1e-6, dtype=torch.float32).item()  # what the library has for a float's 1e-6
LINE_WIDTH = 100


def floats(values):
    return torch.tensor(values, dtype=torch.float32)


def rounded(number):
    """The float nearest to a number, as a Python float."""
    return floats(number).item()


# ---- writing ----


def number_text(x):
    text = float(x).hex()
    if "." in text:
        mantissa, exponent = text.split("p")
        text = mantissa.rstrip("0").rstrip(".") + "p" + exponent
    return text


def write_tensor(file, key, tensor):
    shape = list(tensor.shape) or [1]
    numbers = map(number_text, tensor.flatten().tolist())
    text = " ".join([key, str(len(shape)), *map(str, shape), *numbers])
    print(textwrap.fill(text, LINE_WIDTH, break_on_hyphens=False), file=file)


# ---- PyTorch's formulas ----


def reduced(values, reduction):
    """Of an explicit formula, what the library's loss functions do by themselves."""
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x}[reduction](values)


def classes_of(target):
    """Class indices from one-hot rows."""
    return target.argmax(-1)


def explicit_triplet(inputs, margin, reduction):
    anchor, positive, negative = inputs
    to_positive = ((anchor - positive)**2).sum(-1).sqrt()
    to_negative = ((anchor - negative)**2).sum(-1).sqrt()
    return reduced((to_positive - to_negative + margin).clamp(min=0), reduction)


def triplet_margin(eps):
    return lambda x, margin, r: F.triplet_margin_loss(*x, margin=margin, eps=eps, reduction=r)


def cosine_embedding(inputs, margin, reduction):
    x1, x2, target = inputs
    target = target.reshape(x1.shape[:-1])
    return F.cosine_embedding_loss(x1, x2, target, margin=margin, reduction=reduction)


def sigmoid_focal(x, t, gamma):
    """As torchvision.ops.sigmoid_focal_loss has it, without alpha."""
    p = torch.sigmoid(x)
    missed = 1 - (p * t + (1 - p) * (1 - t))
    return F.binary_cross_entropy_with_logits(x, t, reduction="none") * missed**gamma


def tversky(p, t, alpha):
    """With beta = 0, for want of a second parameter in the file."""
    hits = (p * t).sum(-1) + 1
    return 1 - hits / (hits + alpha * (p * (1 - t)).sum(-1))


def jensen_shannon(p, t):
    log_m = ((p + t) / 2).log()
    return 0.5 * (F.kl_div(log_m, p, reduction="none") +
                  F.kl_div(log_m, t, reduction="none")).sum(-1)


def reduced_pair(function):
    return lambda x, _, reduction: function(*x, reduction=reduction)


# By name: how many inputs get a gradient, and the formula of (inputs, parameter, reduction).
FORMULAS = {
    "F.mse_loss": (1, reduced_pair(F.mse_loss)),
    "F.l1_loss": (1, reduced_pair(F.l1_loss)),
    "F.huber_loss": (1, lambda x, delta, r: F.huber_loss(*x, delta=delta, reduction=r)),
    "F.binary_cross_entropy": (1, reduced_pair(F.binary_cross_entropy)),
    "F.binary_cross_entropy_with_logits": (1, reduced_pair(F.binary_cross_entropy_with_logits)),
    "F.cross_entropy(probabilities)": (1, reduced_pair(F.cross_entropy)),
    "F.cross_entropy(classes)":
        (1, lambda x, _, r: F.cross_entropy(x[0], classes_of(x[1]), reduction=r)),
    "-(t*l).sum(-1)": (1, lambda x, _, r: reduced(-(x[1] * x[0]).sum(-1), r)),
    "F.nll_loss": (1, lambda x, _, r: F.nll_loss(x[0], classes_of(x[1]), reduction=r)),
    "F.kl_div": (1, reduced_pair(F.kl_div)),
    "F.relu(1-p*t)": (1, lambda x, _, r: reduced(F.relu(1 - x[0] * x[1]), r)),
    "0.5*w**2": (1, lambda x, _, r: reduced(0.5 * x[0]**2, r)),
    "w.abs()": (1, lambda x, _, r: reduced(x[0].abs(), r)),
    "F.cosine_embedding_loss": (2, cosine_embedding),
    "F.triplet_margin_loss(eps=0)": (3, triplet_margin(0)),
    "F.triplet_margin_loss": (3, triplet_margin(1e-6)),
    "((a-p)**2).sum(-1).sqrt()": (3, explicit_triplet),
    "F.smooth_l1_loss": (1, lambda x, beta, r: F.smooth_l1_loss(*x, beta=beta, reduction=r)),
    "F.soft_margin_loss": (1, reduced_pair(F.soft_margin_loss)),
    "F.hinge_embedding_loss":
        (1, lambda x, margin, r: F.hinge_embedding_loss(*x, margin=margin, reduction=r)),
    "F.margin_ranking_loss":
        (2, lambda x, margin, r: F.margin_ranking_loss(*x, margin=margin, reduction=r)),
    "F.poisson_nll_loss": (1, reduced_pair(F.poisson_nll_loss)),
    "F.gaussian_nll_loss":
        (2, lambda x, _, r: F.gaussian_nll_loss(x[0], x[2], x[1], eps=EPSILON, reduction=r)),
    "log(cosh(p-t))": (1, lambda x, _, r: reduced(torch.log(torch.cosh(x[0] - x[1])), r)),
    "max(q*(t-p),(q-1)*(t-p))":
        (1, lambda x, q, r: reduced(torch.maximum(q * (x[1] - x[0]), (q - 1) * (x[1] - x[0])), r)),
    "F.relu(1-p*t)**2": (1, lambda x, _, r: reduced(F.relu(1 - x[0] * x[1])**2, r)),
    "sigmoid_focal_loss": (1, lambda x, gamma, r: reduced(sigmoid_focal(*x, gamma), r)),
    "-(t*(1-p)**g*log(p)).sum(-1)":
        (1, lambda x, gamma, r: reduced(
            -(x[1] * (1 - F.softmax(x[0], -1))**gamma * F.log_softmax(x[0], -1)).sum(-1), r)),
    "(t*(1-p**q)/q).sum(-1)":
        (1, lambda x, q, r: reduced((x[1] * (1 - F.softmax(x[0], -1)**q) / q).sum(-1), r)),
    "1-(2*(p*t).sum+1)/(p.sum+t.sum+1)":
        (1, lambda x, _, r: reduced(
            1 - (2 * (x[0] * x[1]).sum(-1) + 1) / (x[0].sum(-1) + x[1].sum(-1) + 1), r)),
    "1-((p*t).sum+1)/((p*t).sum+a*(p*(1-t)).sum+1)":
        (1, lambda x, alpha, r: reduced(tversky(*x, alpha), r)),
    "(F.kl_div(log(m),p)+F.kl_div(log(m),t))/2":
        (1, lambda x, _, r: reduced(jensen_shannon(*x), r)),
    "T*T*F.kl_div(log_softmax,softmax)":
        (1, lambda x, t, r: reduced(
            t * t * F.kl_div(F.log_softmax(x[0] / t, -1), F.softmax(x[1] / t, -1),
                             reduction="none").sum(-1), r)),
    "F.multilabel_soft_margin_loss": (1, reduced_pair(F.multilabel_soft_margin_loss)),
    "F.linear": (3, lambda x, *_: F.linear(*x)),
    "relu": (1, lambda x, *_: torch.relu(x[0])),
    "sigmoid": (1, lambda x, *_: torch.sigmoid(x[0])),
    "tanh": (1, lambda x, *_: torch.tanh(x[0])),
    "F.gelu": (1, lambda x, *_: F.gelu(x[0])),
    "F.softmax": (1, lambda x, *_: F.softmax(x[0], -1)),
    "F.log_softmax": (1, lambda x, *_: F.log_softmax(x[0], -1)),
    "F.relu6": (1, lambda x, *_: F.relu6(x[0])),
    "F.leaky_relu": (1, lambda x, slope, _: F.leaky_relu(x[0], slope)),
    "F.elu": (1, lambda x, alpha, _: F.elu(x[0], alpha)),
    "F.selu": (1, lambda x, *_: F.selu(x[0])),
    "F.silu": (1, lambda x, *_: F.silu(x[0])),
    "F.softplus": (1, lambda x, *_: F.softplus(x[0])),
    "F.hardsigmoid": (1, lambda x, *_: F.hardsigmoid(x[0])),
    "F.hardswish": (1, lambda x, *_: F.hardswish(x[0])),
    "exp": (1, lambda x, *_: torch.exp(x[0])),
    "log": (1, lambda x, *_: torch.log(x[0])),
    "sqrt": (1, lambda x, *_: torch.sqrt(x[0])),
    "x**p": (1, lambda x, power, _: x[0]**power),
    "a+b": (2, lambda x, *_: x[0] + x[1]),
    "a-b": (2, lambda x, *_: x[0] - x[1]),
    "a*b": (2, lambda x, *_: x[0] * x[1]),
    "a/b": (2, lambda x, *_: x[0] / x[1]),
    "F.mse_loss(gradient.to.target)": (2, reduced_pair(F.mse_loss)),
    "a@b": (2, lambda x, *_: x[0] @ x[1]),
    "a.T@b": (2, lambda x, *_: x[0].T @ x[1]),
    "a@b.T": (2, lambda x, *_: x[0] @ x[1].T),
    "a.T@b.T": (2, lambda x, *_: x[0].T @ x[1].T),
}
PRODUCTS = ("a@b", "a.T@b", "a@b.T", "a.T@b.T")  # by transposes

REDUCTIONS = ("mean", "sum", "none")


def evaluate(formula, inputs, parameter, reduction, upstream):
    """Value and gradients, in the inputs' type."""
    num_differentiable, function = FORMULAS[formula]
    leaves = [x.clone().requires_grad_(k < num_differentiable) for k, x in enumerate(inputs)]
    value = function(leaves, parameter, reduction)
    seed = upstream(value).to(value.dtype)
    value.backward(seed)
    return seed, value.detach(), [x.grad for x in leaves if x.requires_grad]


def write_result(file, formula, inputs, parameter, reduction, upstream):
    print("result", reduction, file=file)
    for bits, dtype in ((64, torch.float64), (32, torch.float32)):
        typed = [x.to(dtype) for x in inputs]
        seed, value, gradients = evaluate(formula, typed, parameter, reduction, upstream)
        if bits == 64:
            write_tensor(file, "upstream", seed)
        write_tensor(file, f"value{bits}", value)
        for k, gradient in enumerate(gradients):
            write_tensor(file, f"gradient{bits}_{k}", gradient)
    print("end", file=file)


class Writer:
    """Writes the cases of one operation."""

    def __init__(self, file, operation):
        self.file, self.operation = file, operation
        self.random = random.Random(operation)

    def case(self, formula, group, label, inputs, parameter=0.0, reductions=None, transposes=0):
        parameter = rounded(parameter)
        print("case", self.operation, formula, group, label, number_text(parameter), transposes,
              file=self.file)
        for k, tensor in enumerate(inputs):
            write_tensor(self.file, f"input{k}", tensor)
        for reduction in reductions or REDUCTIONS:
            upstream = self.upstream(group)
            write_result(self.file, formula, inputs, parameter, reduction, upstream)

    def upstream(self, group):
        """What makes the upstream gradient for a value."""
        if self.operation not in ORDINARY:  # a function: its gradient may depend on variation
            seed = self.random.random()
            return lambda value: floats(Source(seed).normals(value.numel())).reshape(value.shape)
        constant = rounded(UPSTREAM_OF_SCALED) if group == "scaled" else 1.0
        return lambda value: torch.full_like(value, constant)

    def tail(self, formula, label, *inputs, parameter=0.0, **rest):
        self.case(formula, "tail", label, [floats(x) for x in inputs], parameter, **rest)

    def differs(self, formula, label, *inputs, parameter=0.0, **rest):
        self.case(formula, "differs", label, [floats(x) for x in inputs], parameter, **rest)


# ---- random inputs ----


class Source:
    """Random numbers that are the same with every version of Python and PyTorch."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def normals(self, count, scale=1):
        return [scale * self.random.gauss(0, 1) for _ in range(count)]

    def normal(self, shape, scale=1):
        return floats(self.normals(torch.Size(shape).numel(), scale)).reshape(shape)

    def uniform(self, shape, low=0.0, high=1.0):
        count = torch.Size(shape).numel()
        return floats([self.random.uniform(low, high) for _ in range(count)]).reshape(shape)

    def signs(self, shape):
        count = torch.Size(shape).numel()
        return floats([self.random.choice((-1, 1)) for _ in range(count)]).reshape(shape)

    def labels(self, shape):
        """Every second one between 0 and 1, the others 0 or 1."""
        soft = self.uniform(shape).flatten()
        soft[::2] = soft[::2].round()
        return soft.reshape(shape)

    def distribution(self, shape):
        """Rows of probabilities; their sums are 1 as exactly as floats allow."""
        rows = self.uniform(shape, 0.01)
        return rows / rows.sum(-1, keepdim=True)

    def one_hot(self, shape):
        rows = torch.zeros(shape).reshape(-1, shape[-1])
        for row in rows:
            row[self.random.randrange(shape[-1])] = 1
        return rows.reshape(shape)

    def log_distribution(self, shape):
        return self.distribution(shape).double().log().float()


SHAPES = ((32, 10), (3, 5), (7,))


def pair(first, second):
    return lambda source, shape: [first(source, shape), second(source, shape)]


def two_vectors_and_label(source, shape):
    return [source.normal(shape), source.normal(shape), source.signs(shape[:-1] or (1,))]


# Of every loss: its formula, what makes its inputs, its parameters.
ORDINARY = {
    "mse_loss": ("F.mse_loss", pair(Source.normal, Source.normal), [0.0]),
    "l1_loss": ("F.l1_loss", pair(Source.normal, Source.normal), [0.0]),
    "huber_loss": ("F.huber_loss", pair(Source.normal, Source.normal), [1.0, 0.1, 2.5]),
    "bce_loss":
        ("F.binary_cross_entropy", pair(lambda s, n: s.uniform(n, 0.01, 0.99), Source.labels),
         [0.0]),
    "bce_with_logits_loss":
        ("F.binary_cross_entropy_with_logits",
         pair(lambda s, n: s.normal(n, 2), Source.labels), [0.0]),
    "cross_entropy_loss":
        ("F.cross_entropy(probabilities)",
         pair(lambda s, n: s.normal(n, 2), Source.distribution), [0.0]),
    "nll_loss":
        ("-(t*l).sum(-1)", pair(Source.log_distribution, Source.distribution), [0.0]),
    "kl_div_loss": ("F.kl_div", pair(Source.log_distribution, Source.distribution), [0.0]),
    "hinge_loss": ("F.relu(1-p*t)", pair(Source.normal, Source.signs), [0.0]),
    "l2_loss": ("0.5*w**2", lambda s, n: [s.normal(n)], [0.0]),
    "l1_regularization": ("w.abs()", lambda s, n: [s.normal(n)], [0.0]),
    "cosine_embedding_loss": ("F.cosine_embedding_loss", two_vectors_and_label, [0.25, -0.5]),
    "triplet_loss":
        ("F.triplet_margin_loss(eps=0)",
         lambda s, n: [s.normal(n), s.normal(n), s.normal(n)], [1.0]),
    "smooth_l1_loss": ("F.smooth_l1_loss", pair(Source.normal, Source.normal), [1.0, 0.1, 0.0]),
    "soft_margin_loss":
        ("F.soft_margin_loss", pair(lambda s, n: s.normal(n, 2), Source.signs), [0.0]),
    "hinge_embedding_loss":
        ("F.hinge_embedding_loss", pair(Source.normal, Source.signs), [1.0, 0.5]),
    "margin_ranking_loss":
        ("F.margin_ranking_loss",
         lambda s, n: [s.normal(n), s.normal(n), s.signs(n)], [0.0, 0.5]),
    "poisson_nll_loss":
        ("F.poisson_nll_loss", pair(Source.normal, lambda s, n: s.uniform(n, 0, 9).round()), [0.0]),
    "gaussian_nll_loss":
        ("F.gaussian_nll_loss",
         lambda s, n: [s.normal(n), s.uniform(n, 0.1, 3), s.normal(n)], [0.0]),
    "log_cosh_loss": ("log(cosh(p-t))", pair(Source.normal, Source.normal), [0.0]),
    "quantile_loss":
        ("max(q*(t-p),(q-1)*(t-p))", pair(Source.normal, Source.normal), [0.5, 0.1, 0.9]),
    "squared_hinge_loss": ("F.relu(1-p*t)**2", pair(Source.normal, Source.signs), [0.0]),
    "focal_with_logits_loss":
        ("sigmoid_focal_loss", pair(lambda s, n: s.normal(n, 2), Source.labels), [2.0, 0.5]),
    "focal_loss":
        ("-(t*(1-p)**g*log(p)).sum(-1)",
         pair(lambda s, n: s.normal(n, 2), Source.distribution), [2.0, 0.5]),
    "generalized_cross_entropy_loss":
        ("(t*(1-p**q)/q).sum(-1)",
         pair(lambda s, n: s.normal(n, 2), Source.distribution), [0.7, 1.0]),
    "dice_loss":
        ("1-(2*(p*t).sum+1)/(p.sum+t.sum+1)", pair(Source.uniform, Source.labels), [0.0]),
    "tversky_loss":
        ("1-((p*t).sum+1)/((p*t).sum+a*(p*(1-t)).sum+1)", pair(Source.uniform, Source.labels),
         [0.3]),
    "jensen_shannon_loss":
        ("(F.kl_div(log(m),p)+F.kl_div(log(m),t))/2",
         pair(Source.distribution, Source.distribution), [0.0]),
    "distillation_loss":
        ("T*T*F.kl_div(log_softmax,softmax)",
         pair(lambda s, n: s.normal(n, 2), lambda s, n: s.normal(n, 2)), [1.0, 4.0]),
    "multilabel_soft_margin_loss":
        ("F.multilabel_soft_margin_loss", pair(lambda s, n: s.normal(n, 2), Source.labels), [0.0]),
}

# A second formula, and its inputs. Where it takes classes, the targets are one-hot.
SECOND = {
    "cross_entropy_loss":
        ("F.cross_entropy(classes)", pair(lambda s, n: s.normal(n, 2), Source.one_hot)),
    "nll_loss": ("F.nll_loss", pair(Source.log_distribution, Source.one_hot)),
    "triplet_loss":
        ("((a-p)**2).sum(-1).sqrt()", lambda s, n: [s.normal(n, 3), s.normal(n), s.normal(n, 2)]),
}

ACTIVATIONS = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "gelu": "F.gelu",
    "softmax": "F.softmax",
    "log_softmax": "F.log_softmax",
}

# Formula, parameters, and whether they are meant for positive numbers alone.
ELEMENTWISE = {
    "relu6": ("F.relu6", [0], False),
    "leaky_relu": ("F.leaky_relu", [0.01], False),
    "elu": ("F.elu", [1, 0.3], False),
    "selu": ("F.selu", [0], False),
    "silu": ("F.silu", [0], False),
    "softplus": ("F.softplus", [0], False),
    "hard_sigmoid": ("F.hardsigmoid", [0], False),
    "hard_swish": ("F.hardswish", [0], False),
    "exp": ("exp", [0], False),
    "log": ("log", [0], True),
    "sqrt": ("sqrt", [0], True),
    "pow": ("x**p", [2.5, -1, 0.3], True),
}


# Of those which have no tails, and one parameter, a shape more.
WITHOUT_TAILS = ("log_cosh_loss", "squared_hinge_loss", "dice_loss", "tversky_loss",
                 "jensen_shannon_loss")


def shapes_of(operation):
    return SHAPES[:2] + ((2, 3, 4),) + SHAPES[2:] if operation in WITHOUT_TAILS else SHAPES


def shape_text(shape):
    return "x".join(map(str, shape))


def reductions_for(operation, shape):
    """Of large inputs only what the small ones cannot show, to keep the file small."""
    reductions = ("mean", "none") if shape == SHAPES[0] else REDUCTIONS
    has_batchmean = operation == "kl_div_loss" and len(shape) > 1
    return reductions + ("batchmean",) if has_batchmean else reductions


def write_ordinary(writer, formula, make_inputs, parameters):
    for index, parameter in enumerate(parameters):
        for shape in shapes_of(writer.operation)[1 if index > 0 else 0:]:
            inputs = make_inputs(Source(f"{writer.operation} {shape} {parameter}"), shape)
            label = shape_text(shape) + (f"_{parameter}" if len(parameters) > 1 else "")
            group = "scaled" if shape == SHAPES[-1] else "ordinary"
            writer.case(formula, group, label, inputs, parameter,
                        reductions_for(writer.operation, shape))


def write_ordinary_losses(file):
    for operation, (formula, make_inputs, parameters) in ORDINARY.items():
        writer = Writer(file, operation)
        write_ordinary(writer, formula, make_inputs, parameters)
        if operation in SECOND:
            write_ordinary(writer, *SECOND[operation], parameters)


# ---- tails of the losses ----


def crossed(first, second):
    """Every number of one list with every number of another, as two lists."""
    return [a for a in first for _ in second], [b for _ in first for b in second]


def both_signs(*numbers):
    return [s * x for x in numbers for s in (1, -1)]


def neighbour(x, steps=1):
    """The float that lies some steps above x."""
    for _ in range(abs(steps)):
        x = torch.nextafter(floats(x), floats(INFINITY if steps > 0 else -INFINITY)).item()
    return x


def jittered(rows, seed):
    """Rows whose elements are moved by up to 3 units in the last place."""
    source = random.Random(seed)
    return [[neighbour(x, source.choice((-3, -1, 0, 1, 2))) for x in row] for row in rows]


def scaled_rows(rows, factor):
    return [[factor * x for x in row] for row in rows]


DIFFERENCES = {
    "nearly_equal": ([1, 1, -3.5, 1e8, 1e-3, 16777216],
                     [neighbour(1.0), neighbour(1.0, -2), neighbour(-3.5), neighbour(1e8),
                      neighbour(1e-3, 5), 16777215]),
    "tiny_1e-20": (both_signs(1e-20, 3e-20), [2e-20, -1e-20, 0, 1e-23]),
    "huge_1e20": (both_signs(1e20, 3e20), [2e20, -1e20, 0, 1e17]),
    "square_above_float_mean_below": ([1.6e19, -3e19, 2.5, 0, 1, 2, 3, 4], [0.0] * 8),
    "denormal": ([1e-40, -3e-42, DENORMAL, 7 * DENORMAL, 1e-45],
                 [3e-41, 1e-43, 0, DENORMAL, 2e-44]),
    "far_apart": ([1e8, -1e8, 3e38, 1], [1e-8, 1, 1, 1e20]),
}


def write_difference_tails(file):
    for operation in ("mse_loss", "l1_loss", "huber_loss"):
        formula = ORDINARY[operation][0]
        writer = Writer(file, operation)
        for label, inputs in DIFFERENCES.items():
            writer.tail(formula, label, *inputs, parameter=1)
    for delta in (1e-30, 0.1, 1e20):
        writer.tail(formula, f"delta_{delta:g}", [3, -3, 0, 0.1, 1e-30, 5e30, 1e19, -0.1],
                    [1, 1, 0.1, 0, 0, -5e30, -1e19, 1e-9], parameter=delta)


def write_bce_tails(file):
    writer = Writer(file, "bce_loss")
    near_0 = [DENORMAL, 1e-40, 1e-38, 1e-20, 1e-12, 1e-7]
    near_1 = [neighbour(1.0, -k) for k in (1, 2, 3, 10, 1000)]
    for label, probabilities in (("near_0", near_0), ("near_1", near_1)):
        writer.tail("F.binary_cross_entropy", label, *crossed(probabilities, [0, 1, 0.3]))
    writer.tail("F.binary_cross_entropy", "at_0_and_1", *crossed([0, 1], [0, 1, 0.3]))
    close = [0.5, 0.1, 0.9, 1e-3, 1e-10]
    writer.tail("F.binary_cross_entropy", "prediction_nearly_target", close,
                [neighbour(p) for p in close])


def write_bce_with_logits_tails(file):
    writer = Writer(file, "bce_with_logits_loss")
    formula = "F.binary_cross_entropy_with_logits"
    magnitudes = {"17": [17], "30_to_100": [30, 60, 100], "1e4_1e8": [1e4, 1e8], "1e38": [3e38]}
    for label, numbers in magnitudes.items():
        writer.tail(formula, f"certain_{label}", *crossed(both_signs(*numbers), [0, 1]))
        writer.tail(formula, f"soft_{label}", *crossed(both_signs(*numbers), [0.3, 0.9]))
    writer.tail(formula, "tiny", *crossed(both_signs(1e-20, 1e-40, DENORMAL), [0, 1, 0.25, 0.5]))


CONFIDENT = {
    "confident_17": [[17, 0], [-17, 0], [9, -8], [-1, 16]],
    "confident_20": [[20, 0, 0], [-3, 17, 0], [1, 1, 21]],
    "confident_30_to_100": [[30, 0, 0, 0], [0, 60, 0, 1], [-100, -100, 0, -50], [2, 1, 3, 90]],
    "confident_1e4_1e8": [[1e4, 0, -1e4], [0, 1e8, 1], [-1e8, -1e8, 0]],
    "wrong_by_30_to_100": [[-30, 0, 0], [60, -40, 0], [0, 1, -100]],
    "wrong_by_1e4_1e8": [[-1e4, 0, 3], [1e8, -1e8, 0], [0, 5, -1e8]],
    "equal_huge": [[1e8, 1e8], [-1e8, -1e8], [1e4, 1e4], [3e38, 3e38]],
    "near_1e4": [[1e4, 1e4 + 1, 1e4 - 2], [-1e4, -1e4 + 0.5, -1e4]],
    "tiny": [[1e-20, -1e-20, 0], [1e-40, DENORMAL, 0], [0, 0, 0]],
}


def one_hot_rows(rows):
    """Classes 0, 1, 2, ... in turn: those which the rows of CONFIDENT are sure of."""
    return [[1.0 if c == i % len(row) else 0.0 for c in range(len(row))]
            for i, row in enumerate(rows)]


def smoothed_rows(rows):
    return [[0.9 if t == 1 else 0.1 / (len(row) - 1) for t in row] for row in one_hot_rows(rows)]


def write_cross_entropy_tails(file):
    writer = Writer(file, "cross_entropy_loss")
    by_class, by_probability = "F.cross_entropy(classes)", "F.cross_entropy(probabilities)"
    for label, rows in CONFIDENT.items():
        writer.tail(by_class, label, rows, one_hot_rows(rows))
        writer.tail(by_probability, f"{label}_dense", rows, one_hot_rows(rows))
        writer.tail(by_probability, f"{label}_smoothed", rows, smoothed_rows(rows))
    logits = [[1, -2, 0.5], [20, 0, 1], [3, 3, 3]]
    writer.tail(by_probability, "sum_of_target_half", logits, [[0.25, 0.25, 0]] * 3)
    writer.tail(by_probability, "sum_of_target_3", logits, [[1, 1, 1]] * 3)
    writer.tail(by_probability, "sum_of_target_0", logits, [[0, 0, 0]] * 3)


def write_nll_tails(file):
    writer = Writer(file, "nll_loss")
    rows = {
        "tiny": [[-1e-20, -50, -60], [-1e-3, -1e-30, -7], [-1, -1, -DENORMAL]],
        "huge": [[-1e20, 0, 0], [0, -1e8, -1e4], [-2, -2, -3e38]],
    }
    for label, log_probs in rows.items():
        writer.tail("F.nll_loss", label, log_probs, one_hot_rows(log_probs))
        writer.tail("-(t*l).sum(-1)", f"{label}_smoothed", log_probs, smoothed_rows(log_probs))
    writer.tail("-(t*l).sum(-1)", "terms_cancel", [[1e8, -1e8, 1], [1, -1, 1e-8]],
                [[1, 1, 1], [0.3, 0.3, 0.5]])


def write_kl_div_tails(file):
    writer = Writer(file, "kl_div_loss")
    reductions = REDUCTIONS + ("batchmean",)
    tails = {
        "tiny_targets": ([[-1, -50, -90], [-100, 0, 0]], [[1e-20, 1e-30, 1e-38],
                                                          [1e-40, DENORMAL, 3 * DENORMAL]]),
        "zero_targets": ([[-1, 0], [-1e8, 1e8]], [[0, 0], [0, 0]]),
        "huge": ([[-1e8, -1e20, 3e38], [0, -1, 0]], [[0.5, 1e-20, 1e-30], [1e30, 1e20, 3e37]]),
    }
    for label, inputs in tails.items():
        writer.tail("F.kl_div", label, *inputs, reductions=reductions)
    near_1 = [[neighbour(1.0, k)] for k in (-1, -2, 1, 5)]
    writer.tail("F.kl_div", "targets_near_1", [[0.0]] * 4, near_1, reductions=reductions)
    targets = Source("kl_div nearly equal").distribution((2, 4))
    predictions = targets.double().log().float()
    writer.case("F.kl_div", "tail", "prediction_is_rounded_log_of_target", [predictions, targets],
                reductions=reductions)


def write_remaining_element_tails(file):
    writer = Writer(file, "hinge_loss")
    hinge = "F.relu(1-p*t)"
    writer.tail(hinge, "near_the_kink", [neighbour(1.0, k) for k in (-1, -2, 0, 1, 2)], [1] * 5)
    writer.tail(hinge, "far", *crossed(both_signs(1e8, 1e20, 3e38), [1, -1]))
    writer.tail(hinge, "tiny", *crossed(both_signs(1e-8, 1e-20, DENORMAL), [1, -1]))
    for operation in ("l2_loss", "l1_regularization"):
        writer, formula = Writer(file, operation), ORDINARY[operation][0]
        writer.tail(formula, "tiny", both_signs(1e-20, 1e-19, 3e-23, 5e-20))
        writer.tail(formula, "denormal", both_signs(1e-40, DENORMAL, 3 * DENORMAL) + [0])
        writer.tail(formula, "huge", both_signs(1e20, 3e38, 1e19))
        writer.tail(formula, "square_above_float_half_below", [2e19, -2.5e19])


X1 = [[0.3, -1.2, 0.7, 2.1], [1, 2, 3, 4], [-0.5, 0.25, 8, 0.1], [0.6, -0.8, 1e-3, 5]]
X2 = [[-1.1, 0.4, 0.9, 0.2], [4, -3, 2, 1], [0.7, 7, -0.5, 3], [2, 1, -1, 0.5]]
ALIKE, UNLIKE = [1, 1, 1, 1], [-1, -1, -1, -1]


def write_cosine_tails(file):
    writer = Writer(file, "cosine_embedding_loss")
    formula = "F.cosine_embedding_loss"
    opposite = scaled_rows(jittered(X1, "opposite"), -1)
    tails = {
        "norms_1e-20": (scaled_rows(X1, 1e-20), scaled_rows(X2, 1e-20), ALIKE),
        "norms_1e-20_unlike": (scaled_rows(X1, 1e-20), scaled_rows(X2, 3e-20), UNLIKE),
        "norms_1e20": (scaled_rows(X1, 1e20), scaled_rows(X2, 1e20), ALIKE),
        "norms_1e-20_and_1e20": (scaled_rows(X1, 1e-20), scaled_rows(X2, 1e20), ALIKE),
        "norms_1e-3": (scaled_rows(X1, 1e-3), scaled_rows(X2, 1e-3), ALIKE),
        "denormal": (scaled_rows(X1, 1e-41), scaled_rows(X2, 1e-42), ALIKE),
        "nearly_identical": (X1, jittered(X1, "identical"), ALIKE),
        "nearly_identical_tiny": (scaled_rows(X1, 1e-20), jittered(scaled_rows(X1, 1e-20), 1),
                                  ALIKE),
        "nearly_identical_unlike": (X1, jittered(X1, "unlike"), UNLIKE),
        "nearly_opposite": (X1, opposite, ALIKE),
        "exactly_parallel": (X1, scaled_rows([[rounded(x) for x in row] for row in X1], 2), ALIKE),
        "exactly_orthogonal": ([[1, 0, 2, 0], [3, 4, 0, 0]], [[0, 5, 0, 1e-6], [-4, 3, 0, 0]],
                               [1, -1]),
    }
    for label, inputs in tails.items():
        writer.tail(formula, label, *inputs, parameter=0.25 if -1 in inputs[2] else 0)


def write_triplet_tails(file):
    writer = Writer(file, "triplet_loss")
    x3 = [[1, 1, -1, 0.5], [0.1, 9, 3, -4], [8, 0.3, 0.2, 0.1], [0.6, -0.8, 1, 4]]
    near = jittered(X1, "positive")
    tails = {
        "nearly_identical": (X1, near, jittered(X1, "negative"), 1e-6),
        "nearly_identical_margin_0": (X1, near, jittered(X1, "other"), 0),
        "positive_near_negative": (X1, X2, jittered(X2, "negative"), 0),
        "tiny_1e-20": (scaled_rows(X1, 1e-20), scaled_rows(X2, 1e-20), scaled_rows(x3, 1e-20),
                       1e-20),
        "huge_1e20": (scaled_rows(X1, 1e20), scaled_rows(X2, 1e20), scaled_rows(x3, 1e20), 1),
        "denormal": (scaled_rows(X1, 1e-41), scaled_rows(X2, 1e-42), scaled_rows(x3, 1e-42), 1e-43),
        "huge_margin": (X1, X2, x3, 1e8),
    }
    for label, (*inputs, margin) in tails.items():
        writer.tail("F.triplet_margin_loss(eps=0)", label, *inputs, parameter=margin)
        writer.tail("((a-p)**2).sum(-1).sqrt()", f"{label}_explicit", *inputs, parameter=margin)
    # the explicit formula gives NaN at a distance of 0
    writer.tail("F.triplet_margin_loss(eps=0)", "distance_0", X1, X1, X2, parameter=50)
    writer.tail("F.triplet_margin_loss(eps=0)", "far_beyond_margin", X1, X1, scaled_rows(x3, 1e4),
                parameter=1)


def write_smooth_l1_tails(file):
    writer, formula = Writer(file, "smooth_l1_loss"), "F.smooth_l1_loss"
    for label, inputs in DIFFERENCES.items():
        writer.tail(formula, label, *inputs, parameter=1)
    for beta in (1e-30, 0.1, 1e20):
        writer.tail(formula, f"beta_{beta:g}", [3, -3, 0, 0.1, 1e-30, 5e30, 1e19, -0.1],
                    [1, 1, 0.1, 0, 0, -5e30, -1e19, 1e-9], parameter=beta)


def write_margin_tails(file):
    soft, embedding = Writer(file, "soft_margin_loss"), Writer(file, "hinge_embedding_loss")
    ranking = Writer(file, "margin_ranking_loss")
    far = both_signs(1e8, 1e20, 3e38)
    for label, numbers in (("8_to_17", [8, 12, 17]), ("30_to_100", [30, 60, 100])):
        soft.tail("F.soft_margin_loss", f"right_{label}", both_signs(*numbers), [1, -1] * 3)
        soft.tail("F.soft_margin_loss", f"wrong_{label}", both_signs(*numbers), [-1, 1] * 3)
    soft.tail("F.soft_margin_loss", "tiny", *crossed(both_signs(1e-8, 1e-20, DENORMAL), [1, -1]))
    embedding.tail("F.hinge_embedding_loss", "near_the_kink",
                   [neighbour(1.0, k) for k in (-1, -2, 1, 2)], [-1] * 4, parameter=1)
    embedding.tail("F.hinge_embedding_loss", "far", *crossed(far, [1, -1]), parameter=1)
    embedding.tail("F.hinge_embedding_loss", "tiny",
                   *crossed(both_signs(1e-8, 1e-20, DENORMAL), [1, -1]), parameter=3e-20)
    for label, (x1, x2) in DIFFERENCES.items():
        for sign in (1, -1):
            ranking.tail("F.margin_ranking_loss", f"{label}_{sign}", x1, x2, [sign] * len(x1),
                         parameter=1e-8)


def write_likelihood_tails(file):
    poisson, gaussian = Writer(file, "poisson_nll_loss"), Writer(file, "gaussian_nll_loss")
    poisson.tail("F.poisson_nll_loss", "rare", *crossed([-17, -60, -100, -1e8], [0, 1, 3e4]))
    poisson.tail("F.poisson_nll_loss", "often", *crossed([17, 60, 80], [0, 1, 1e8, 1e30]))
    poisson.tail("F.poisson_nll_loss", "tiny", *crossed(both_signs(1e-8, 1e-20, DENORMAL), [0, 3]))
    means, targets = DIFFERENCES["nearly_equal"]
    for variance in (2e-6, 1e-3, 1e20):
        gaussian.tail("F.gaussian_nll_loss", f"variance_{variance:g}", means,
                      [variance] * len(means), targets)
    gaussian.tail("F.gaussian_nll_loss", "far", [1e8, -1e8, 3, 1e19], [1e4, 1e-3, 1e30, 1e38],
                  [0, 1, -3e18, -1e19])


def write_multilabel_tails(file):
    writer, formula = Writer(file, "multilabel_soft_margin_loss"), "F.multilabel_soft_margin_loss"
    for label, rows in CONFIDENT.items():
        writer.tail(formula, label, rows, [[float(x > 0) for x in row] for row in rows])
        writer.tail(formula, f"{label}_wrong", rows, [[float(x <= 0) for x in row] for row in rows])


# ---- functions ----


def write_products(file):
    for transposes, formula in enumerate(PRODUCTS):
        for m, k, n in ((3, 5, 4), (1, 7, 1), (4, 20, 6)):
            source = Source(f"matmul {m} {k} {n}")
            a, b = source.normal((m, k)), source.normal((k, n))
            a = a.T.contiguous() if transposes & 1 else a
            b = b.T.contiguous() if transposes & 2 else b
            Writer(file, "matmul").case(formula, "ordinary", f"{m}x{k}x{n}_{transposes}", [a, b],
                                        reductions=["none"], transposes=transposes)
    for shape, num_out in (((32, 10), 3), ((7,), 4), ((2, 3, 5), 2)):
        source = Source(f"linear {shape}")
        inputs = [source.normal(shape), source.normal((num_out, shape[-1])),
                  source.normal((num_out,))]
        Writer(file, "linear").case("F.linear", "ordinary", shape_text(shape), inputs,
                                    reductions=["none"])


ACTIVATION_TAILS = {
    "2_to_5": both_signs(2, 3, 4, 5),
    "8_to_17": both_signs(8, 9, 12, 17),
    "30_to_100": both_signs(30, 60, 88, 100),
    "1e4_1e8": both_signs(1e4, 1e8, 3e38),
    "tiny": both_signs(1e-4, 1e-8, 1e-20, 1e-40, DENORMAL) + [0],
}


def write_activations(file):
    for operation, formula in ACTIVATIONS.items():
        writer = Writer(file, operation)
        for shape in SHAPES:
            x = Source(f"{operation} {shape}").normal(shape, 2)
            writer.case(formula, "ordinary", shape_text(shape), [x], reductions=["none"])
        is_row_wise = operation in ("softmax", "log_softmax")
        for label, numbers in (CONFIDENT if is_row_wise else ACTIVATION_TAILS).items():
            writer.tail(formula, label, numbers, reductions=["none"])


def tail_of(operation, numbers, positive):
    if operation == "hard_swish":  # at 3 it deliberately differs
        numbers = [x for x in numbers if abs(x) != 3]
    return [abs(x) for x in numbers if x != 0] if positive else numbers


def write_elementwise(file):
    for operation, (formula, parameters, positive) in ELEMENTWISE.items():
        writer = Writer(file, operation)
        for parameter in parameters:
            for shape in SHAPES[1:]:
                x = Source(f"{operation} {shape} {parameter}").normal(shape, 2)
                writer.case(formula, "ordinary", f"{shape_text(shape)}_{parameter}",
                            [x.abs() if positive else x], parameter, ["none"])
            for label, numbers in ACTIVATION_TAILS.items():
                writer.tail(formula, f"{label}_{parameter}",
                            tail_of(operation, numbers, positive), parameter=parameter,
                            reductions=["none"])


def write_broadcasts(file):
    pairs = (((4, 1, 3), (5, 1)), ((3, 5), (5,)), ((1,), (2, 3)), ((3, 1), (3, 4)))
    for operation, formula in (("add", "a+b"), ("sub", "a-b"), ("mul", "a*b"), ("div", "a/b")):
        for a, b in pairs:
            source = Source(f"{operation} {a} {b}")
            Writer(file, operation).case(formula, "ordinary", f"{shape_text(a)}_{shape_text(b)}",
                                         [source.normal(a), source.normal(b)], reductions=["none"])


# ---- where the library deliberately differs ----


def write_differences(file):
    Writer(file, "mse_loss").differs("F.mse_loss", "broadcast", [[1, 2], [3, 4]], [1, 2],
                                     reductions=["mean"])
    Writer(file, "mse_loss").differs("F.mse_loss(gradient.to.target)", "gradient_of_target",
                                     [1, 2, 4], [0.5, 3, 4], reductions=["mean"])
    source = Source("three dimensions")
    logits, target = source.normal((2, 3, 4)), source.distribution((2, 3, 4))
    Writer(file, "cross_entropy_loss").case("F.cross_entropy(probabilities)", "differs",
                                            "class_dimension", [logits, target],
                                            reductions=["none"])
    write_margin_differences(file)
    write_epsilon_differences(file)
    write_masked_differences(file)
    Writer(file, "kl_div_loss").differs("F.kl_div", "batchmean_of_one_row", [-1, -2, -1.5],
                                        [0.5, 0.25, 0.25], reductions=["batchmean"])
    Writer(file, "bce_with_logits_loss").differs(
        "F.binary_cross_entropy_with_logits", "certain", [17, 30], [1, 1],
        reductions=["none"])
    Writer(file, "cross_entropy_loss").differs("F.cross_entropy(classes)", "certain",
                                               [[20, 0], [0, 17]], [[1, 0], [0, 1]],
                                               reductions=["none"])


def write_margin_differences(file):
    cosine, triplet = Writer(file, "cosine_embedding_loss"), Writer(file, "triplet_loss")
    cosine.differs("F.cosine_embedding_loss", "margin_met_exactly", [[1, 0]], [[0, 1]], [-1],
                   reductions=["none"])
    triplet.differs("F.triplet_margin_loss(eps=0)", "margin_met_exactly", [[0, 0]], [[1, 0]],
                    [[0, 2]], parameter=1, reductions=["none"])


def write_epsilon_differences(file):
    cosine, triplet = Writer(file, "cosine_embedding_loss"), Writer(file, "triplet_loss")
    cosine.differs("F.cosine_embedding_loss", "epsilon", [[3e-7, 4e-7]], [[4e-7, 3e-7]], [1],
                   reductions=["none"])
    cosine.differs("F.cosine_embedding_loss", "epsilon_zero_vector", [[0, 0]], [[3, 4]], [1],
                   reductions=["none"])
    triplet.differs("F.triplet_margin_loss", "epsilon", [[0, 0]], [[3e-6, 4e-6]], [[6e-6, 8e-6]],
                    parameter=1e-5, reductions=["none"])


def write_masked_differences(file):
    Writer(file, "cosine_embedding_loss").differs(
        "F.cosine_embedding_loss", "label_0", [[3, 4], [3, 4]], [[4, 3], [4, 3]], [0, 0.5],
        reductions=["none"])
    Writer(file, "kl_div_loss").differs("F.kl_div", "impossible_class", [-INFINITY, -1], [0, 1],
                                        reductions=["none"])
    Writer(file, "cross_entropy_loss").differs(
        "F.cross_entropy(probabilities)", "impossible_class", [[-INFINITY, 1, 2]], [[0, 0.5, 0.5]],
        reductions=["none"])


# ---- optimisers ----

SGD = {  # learning rate, momentum, weight decay, Nesterov
    "plain": (0.1, 0, 0, 0),
    "weight_decay": (0.1, 0, 0.05, 0),
    "momentum": (0.02, 0.9, 0, 0),
    "nesterov": (0.02, 0.9, 0, 1),
    "nesterov_weight_decay": (0.02, 0.9, 0.05, 1),
}
ADAMW = {  # learning rate, beta1, beta2, epsilon, weight decay
    "defaults": (0.02, 0.9, 0.999, 1e-8, 0.01),
    "no_weight_decay": (0.02, 0.9, 0.999, 1e-8, 0),
    "other_betas": (0.05, 0.8, 0.95, 1e-3, 0.1),
}


def create_optimizer(name, parameters, settings):
    if name == "sgd":
        rate, momentum, decay, nesterov = settings
        return torch.optim.SGD(parameters, lr=rate, momentum=momentum, weight_decay=decay,
                               nesterov=bool(nesterov))
    rate, beta1, beta2, epsilon, decay = settings
    return torch.optim.AdamW(parameters, lr=rate, betas=(beta1, beta2), eps=epsilon,
                             weight_decay=decay)


def path_of(name, inputs, settings):
    x, y, weight, bias = (tensor.double() for tensor in inputs)
    parameters = [weight.requires_grad_(), bias.requires_grad_()]
    optimizer = create_optimizer(name, parameters, settings)
    path = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(F.linear(x, weight, bias), y).backward()
        optimizer.step()
        path.append(torch.cat([p.detach().flatten() for p in parameters]))
    return torch.stack(path[STEPS_PER_ROW - 1::STEPS_PER_ROW])


def write_trajectories(file):
    source = Source("trajectories")
    inputs = [source.normal((12, 3)), source.normal((12, 2)), source.normal((2, 3)),
              source.normal((2,))]
    for name, all_settings in (("sgd", SGD), ("adamw", ADAMW)):
        for label, settings in all_settings.items():
            settings = floats(settings)
            formula = {"sgd": "torch.optim.SGD", "adamw": "torch.optim.AdamW"}[name]
            print("case", name, formula, "trajectory", label, "0x0p+0 0", file=file)
            for k, tensor in enumerate([*inputs, settings]):
                write_tensor(file, f"input{k}", tensor)
            print("result mean", file=file)
            write_tensor(file, "value64", path_of(name, inputs, settings.tolist()))
            print("end", file=file)


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # kl_div's mean and a broadcast in mse_loss are meant
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write(HEADER)
        for write in (write_ordinary_losses, write_difference_tails, write_bce_tails,
                      write_bce_with_logits_tails, write_cross_entropy_tails, write_nll_tails,
                      write_kl_div_tails, write_remaining_element_tails, write_cosine_tails,
                      write_triplet_tails, write_smooth_l1_tails, write_margin_tails,
                      write_likelihood_tails, write_multilabel_tails, write_products,
                      write_activations, write_elementwise, write_broadcasts, write_differences,
                      write_trajectories):
            write(file)


if __name__ == "__main__":
    main()
