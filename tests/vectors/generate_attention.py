#!/usr/bin/python3
"""Makes attention.txt: PyTorch's MultiheadAttention of a sequence with itself.

    /usr/bin/python3 generate_attention.py attention.txt

The format is that of torch.txt, beside it, and so is what it was made with. Inputs: x, then the
module's parameters in its order. Parameter: the number of heads. Groups: plain, causal.
"""
import sys

from generate import Source, number_text, write_tensor

import torch


def module_of(parameters, heads, dtype):
    width = parameters[3].numel()
    module = torch.nn.MultiheadAttention(width, heads, batch_first=True, dtype=dtype)
    for parameter, values in zip(module.parameters(), parameters):
        parameter.data = values.to(dtype)
    return module


def write_results(file, x, parameters, heads, causal, upstream):
    print("result NONE", file=file)
    write_tensor(file, "upstream", upstream)
    for bits, dtype in ((64, torch.float64), (32, torch.float32)):
        module = module_of(parameters, heads, dtype)
        leaf = x.to(dtype).requires_grad_()
        hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1) if causal else None
        value = module(leaf, leaf, leaf, attn_mask=hidden, need_weights=False)[0]
        value.backward(upstream.to(dtype))
        write_tensor(file, f"value{bits}", value)
        for k, one in enumerate([leaf, *module.parameters()]):
            write_tensor(file, f"gradient{bits}_{k}", one.grad)
    print("end", file=file)


def write_case(file, label, shape, heads, causal):
    source, width = Source(label), shape[2]
    parameters = (3 * width, width), (3 * width,), (width, width), (width,)
    inputs = [source.normal(shape), *(source.normal(s, width**-0.5) for s in parameters)]
    print("case attention torch.nn.MultiheadAttention", "causal" if causal else "plain", label,
          number_text(float(heads)), 0, file=file)
    for k, tensor in enumerate(inputs):
        write_tensor(file, f"input{k}", tensor)
    write_results(file, inputs[0], inputs[1:], heads, causal, source.normal(shape))


def main():
    with open(sys.argv[1], "w") as file:
        write_case(file, "one_head", (2, 3, 4), 1, False)
        write_case(file, "two_heads", (2, 5, 6), 2, False)
        write_case(file, "causal", (3, 4, 8), 4, True)
        write_case(file, "single_position", (2, 1, 4), 2, True)


main()
