#!/usr/bin/python3
"""Makes options.txt: losses with options, as PyTorch computes them in float64.

    /usr/bin/python3 generate_options.py options.txt

The inputs are floats, and so are the options: smoothing and epsilons are sums of powers of 2. Made with
Debian 12's package python3-torch, which is PyTorch 1.13.1; it writes the same bytes every time.
"""
import os
import sys
import textwrap

os.environ.update(ATEN_CPU_CAPABILITY="avx2", OPENBLAS_CORETYPE="Haswell", OMP_NUM_THREADS="1")

import torch
import torch.nn.functional as F

HEADER = f"""\
# Losses with options of PyTorch {torch.__version__}, made by
#     /usr/bin/python3 generate_options.py options.txt
#
# Words, separated by blanks and line ends; a line that begins with # is a comment.
#     case <loss> <label> <parameter> <reduction>
#     number <option> <value>
#     tensor <input<k>, labels, weights, class_weights, pos_weight, value or gradient<k>> <tensor>
#     end
# A tensor is its number of dimensions, the dimensions, and its elements, exact in hexadecimal. Values
# and gradients were computed in float64 from inputs in float32, for an upstream gradient of ones.
"""
REDUCTIONS = ("mean", "none")
GENERATOR = torch.Generator().manual_seed(20261123)


def normal(*shape):
    return torch.randn(*shape, generator=GENERATOR)


def positive(*shape):
    return torch.rand(*shape, generator=GENERATOR) * 2 + 0.125


def labels_for(rows, classes, ignored=()):
    labels = torch.randint(classes, (rows,), generator=GENERATOR)
    labels[list(ignored)] = -100
    return labels


def words(tensor):
    shape = list(tensor.shape) or [1]
    elements = [float(x).hex() for x in tensor.detach().double().flatten()]
    return " ".join(map(str, [len(shape), *shape, *elements]))


def write(file, line):
    file.write("\n".join(textwrap.wrap(line, 100)) + "\n")


def case(file, loss, label, compute, inputs, differentiable, tensors=None, numbers=None,
         parameter=0.0, reductions=REDUCTIONS):
    """compute is given the inputs in float64, the tensors in float64 and a reduction."""
    wide = {k: v if k == "labels" else v.double() for k, v in (tensors or {}).items()}
    for reduction in reductions:
        leaves = [x.double().requires_grad_(i < differentiable) for i, x in enumerate(inputs)]
        value = compute(leaves, wide, reduction)
        value.sum().backward()
        file.write(f"case {loss} {label} {float(parameter).hex()} {reduction}\n")
        for name, number in (numbers or {}).items():
            file.write(f"number {name} {float(number).hex()}\n")
        for i, x in enumerate(inputs):
            write(file, f"tensor input{i} {words(x)}")
        for name, tensor in (tensors or {}).items():
            write(file, f"tensor {name} {words(tensor)}")
        write(file, f"tensor value {words(value)}")
        for i, leaf in enumerate(leaves[:differentiable]):
            write(file, f"tensor gradient{i} {words(leaf.grad)}")
        file.write("end\n")


def labelled(file, classes):
    rows = 5
    for smoothing in (0.0, 0.25):
        for weighted in (False, True):
            for ignored in ((), (1, 4)):
                label = f"classes_{classes}_s{smoothing}_w{int(weighted)}_i{len(ignored)}"
                tensors = {"labels": labels_for(rows, classes, ignored)}
                numbers = {"label_smoothing": smoothing} if smoothing else {}
                if weighted:
                    tensors["class_weights"] = positive(classes)
                if ignored:
                    numbers["ignore_index"] = -100
                case(file, "cross_entropy_labels_loss", label,
                     lambda x, t, r: F.cross_entropy(x[0], t["labels"], t.get("class_weights"),
                                                     label_smoothing=smoothing, reduction=r),
                     [2 * normal(rows, classes)], 1, tensors, numbers)
                if smoothing == 0:
                    case(file, "nll_labels_loss", label,
                         lambda x, t, r: F.nll_loss(x[0], t["labels"], t.get("class_weights"),
                                                    reduction=r),
                         [F.log_softmax(normal(rows, classes), 1)], 1, tensors, numbers)


def dense(file, classes):
    target = torch.softmax(normal(4, classes), 1)
    for smoothing in (0.0, 0.25):
        for weighted in (False, True):
            tensors = {"class_weights": positive(classes)} if weighted else {}
            case(file, "cross_entropy_loss", f"classes_{classes}_s{smoothing}_w{int(weighted)}",
                 lambda x, t, r: F.cross_entropy(x[0], x[1], t.get("class_weights"),
                                                 label_smoothing=smoothing, reduction=r),
                 [2 * normal(4, classes), target], 1, tensors, {"label_smoothing": smoothing})


def binary(file):
    shape = (3, 5)
    x, target = 3 * normal(*shape), torch.rand(*shape, generator=GENERATOR)
    for name, pos in (("one", positive(1)), ("classes", positive(5)), ("all", positive(*shape))):
        for tensors in ({"pos_weight": pos}, {"pos_weight": pos, "weights": positive(*shape)}):
            case(file, "bce_with_logits_loss", f"pos_weight_{name}_{len(tensors)}",
                 lambda x, t, r: F.binary_cross_entropy_with_logits(
                     x[0], x[1], t.get("weights"), pos_weight=t["pos_weight"], reduction=r),
                 [x, target], 1, tensors)
    for name, weights in (("elements", positive(*shape)), ("rows", positive(3, 1))):
        case(file, "bce_loss", f"weights_of_{name}",
             lambda x, t, r: F.binary_cross_entropy(x[0], x[1], t["weights"].expand(shape),
                                                    reduction=r),
             [torch.sigmoid(x), target], 1, {"weights": weights})


def divergence(file):
    case(file, "kl_div_loss", "log_target",
         lambda x, t, r: F.kl_div(x[0], x[1], log_target=True, reduction=r),
         [F.log_softmax(normal(4, 6), 1), F.log_softmax(2 * normal(4, 6), 1)], 1, None,
         {"log_target": 1}, reductions=(*REDUCTIONS, "batchmean"))


def triplets(file):
    for norm in (1, 2, 3, 1.5):
        for swap in (0, 1):
            for epsilon in (0, 2.0**-20):
                case(file, "triplet_loss", f"norm_{norm}_swap_{swap}_epsilon_{int(epsilon > 0)}",
                     lambda x, t, r: F.triplet_margin_loss(*x, margin=0.5, p=norm, swap=bool(swap),
                                                           eps=epsilon, reduction=r),
                     [normal(6, 7) for _ in range(3)], 3, None,
                     {"norm": norm, "swap": swap, "epsilon": epsilon}, parameter=0.5)


def multi_margin(file, classes):
    for norm in (1, 2):
        for weighted in (False, True):
            weights = {"class_weights": positive(classes)} if weighted else {}
            case(file, "multi_margin_loss", f"classes_{classes}_norm_{norm}_w{int(weighted)}",
                 lambda x, t, r: F.multi_margin_loss(x[0], t["labels"], norm, 0.75,
                                                     t.get("class_weights"), reduction=r),
                 [normal(5, classes)], 1, {"labels": labels_for(5, classes), **weights},
                 {"norm": norm}, parameter=0.75)


def lists_for(rows, classes):
    """Labels that end with -1, some of them twice; what stands behind counts for nothing."""
    lists = torch.randint(classes, (rows, classes), generator=GENERATOR)
    for row in range(rows):
        lists[row, row * min(classes, 9) // (rows - 1):][:1] = -1
    return lists


def multilabel_margin(file):
    for rows, classes in ((4, 2), (4, 7), (4, 33), (2, 600)):
        case(file, "multilabel_margin_loss", f"classes_{classes}",
             lambda x, t, r: F.multilabel_margin_loss(x[0], t["labels"], reduction=r),
             [normal(rows, classes)], 1, {"labels": lists_for(rows, classes)}, parameter=1.0)


def margin_tails(file):
    """Huge, tiny, and nearly equal logits."""
    logits = torch.tensor([[1e8, -1e8, 3.0, 1e20], [3e38, 0, -3e38, 1], [1e-20, -1e-20, 1e-45, 0],
                           [1, 1 + 2**-23, 1 - 2**-24, 2]])
    for label in range(4):
        case(file, "multi_margin_loss", f"tail_label_{label}",
             lambda x, t, r: F.multi_margin_loss(x[0], t["labels"], 1, 0.75, reduction=r),
             [logits], 1, {"labels": torch.full((4,), label)}, {"norm": 1}, parameter=0.75)
    lists = torch.tensor([[0, 2, -1, 0], [2, 1, -1, 0], [3, 0, -1, 0], [1, 2, -1, 0]])
    case(file, "multilabel_margin_loss", "tail",
         lambda x, t, r: F.multilabel_margin_loss(x[0], t["labels"], reduction=r),
         [logits], 1, {"labels": lists}, parameter=1.0)


def multilabel(file):
    for columns in (1, 7, 33):
        case(file, "multilabel_soft_margin_loss", f"classes_{columns}",
             lambda x, t, r: F.multilabel_soft_margin_loss(*x, t["class_weights"], reduction=r),
             [2 * normal(4, columns), torch.rand(4, columns, generator=GENERATOR)], 1,
             {"class_weights": positive(columns)})


def likelihoods(file):
    shape = (3, 7)
    counts = torch.poisson(3 * positive(*shape), generator=GENERATOR)
    for rate_input in (0, 1):
        for full in (0, 1):
            for epsilon in (0, 2.0**-4):
                if epsilon and not rate_input:
                    continue
                case(file, "poisson_nll_loss",
                     f"rate_{rate_input}_full_{full}_epsilon_{int(epsilon > 0)}",
                     lambda x, t, r: F.poisson_nll_loss(
                         *x, log_input=not rate_input, full=bool(full),
                         eps=epsilon or float(torch.tensor(1e-8)), reduction=r),
                     [positive(*shape) if rate_input else normal(*shape), counts], 1, None,
                     {"rate_input": rate_input, "full": full, "epsilon": epsilon})
    for full in (0, 1):
        for epsilon in (0, 0.75):
            case(file, "gaussian_nll_loss", f"full_{full}_epsilon_{int(epsilon > 0)}",
                 lambda x, t, r: F.gaussian_nll_loss(
                     x[0], x[2], x[1], full=bool(full),
                     eps=epsilon or float(torch.tensor(1e-6)), reduction=r),
                 [normal(*shape), positive(*shape), normal(*shape)], 2, None,
                 {"full": full, "epsilon": epsilon})


def reduced(values, reduction):
    return values.mean() if reduction == "mean" else values


def balanced_focal(x, t, alpha, gamma):
    """As torchvision.ops.sigmoid_focal_loss has it."""
    p, entropy = torch.sigmoid(x), F.binary_cross_entropy_with_logits(x, t, reduction="none")
    missed = 1 - (p * t + (1 - p) * (1 - t))
    return (alpha * t + (1 - alpha) * (1 - t)) * entropy * missed**gamma


def formulas(file):
    """Losses that PyTorch does not have, or not with these options."""
    for gamma in (2.0, 0.5):
        for alpha in (0.25, 0.75):
            case(file, "focal_with_logits_loss", f"gamma_{gamma}_alpha_{alpha}",
                 lambda x, t, r: reduced(balanced_focal(*x, alpha, gamma), r),
                 [2 * normal(3, 5), torch.rand(3, 5, generator=GENERATOR)], 1, None,
                 {"alpha": alpha}, parameter=gamma)
    for classes in (7, 33):
        target = torch.softmax(normal(4, classes), 1)
        case(file, "focal_loss", f"classes_{classes}_weighted",
             lambda x, t, r: reduced(
                 -(t["class_weights"] * x[1] * (1 - F.softmax(x[0], 1))**1.5 *
                   F.log_softmax(x[0], 1)).sum(1), r),
             [normal(4, classes), target], 1, {"class_weights": positive(classes)}, parameter=1.5)
        case(file, "generalized_cross_entropy_loss", f"classes_{classes}_weighted",
             lambda x, t, r: reduced(
                 (t["class_weights"] * x[1] * (1 - F.softmax(x[0], 1)**0.75) / 0.75).sum(1), r),
             [normal(4, classes), target], 1, {"class_weights": positive(classes)}, parameter=0.75)


def three_inputs(file):
    shape = (3, 7)
    signs = normal(*shape).sign()
    for name, weights in (("elements", positive(*shape)), ("rows", positive(3, 1))):
        case(file, "margin_ranking_loss", f"weights_of_{name}",
             lambda x, t, r: reduced(
                 t["weights"] * F.margin_ranking_loss(*x, margin=0.5, reduction="none"), r),
             [normal(*shape), normal(*shape), signs], 2, {"weights": weights}, parameter=0.5)
        case(file, "gaussian_nll_loss", f"weights_of_{name}",
             lambda x, t, r: reduced(
                 t["weights"] * F.gaussian_nll_loss(x[0], x[2], x[1], full=True, reduction="none"),
                 r),
             [normal(*shape), positive(*shape), normal(*shape)], 2, {"weights": weights},
             {"full": 1})


def main():
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write(HEADER)
        for classes in (7, 33):
            labelled(file, classes)
            dense(file, classes)
        binary(file)
        divergence(file)
        triplets(file)
        multi_margin(file, 7)
        multi_margin(file, 33)
        multilabel(file)
        likelihoods(file)
        formulas(file)
        three_inputs(file)
        multilabel_margin(file)
        margin_tails(file)


main()
