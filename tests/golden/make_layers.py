#!/usr/bin/env python3
"""Golden files of Conv1D, BatchNorm, LayerNorm and Attention, in float64.

Run without arguments; needs torch. The gradient of the output is given, not that of a loss. Sequences are (steps, batch,
features), as the library stores them.
"""
import torch

import golden_format

torch.set_default_dtype(torch.float64)


def numbers(*shape, seed):
    """Eighths between -1 and 1 in an order without a pattern."""
    count = torch.Size(shape).numel()
    return torch.tensor([((seed + 7 * k * k + 5 * k) % 17 - 8) / 8 for k in range(count)]).view(shape)


def conv1d(name, inputs, outputs, kernel, steps, batch, dilation, stride, causal):
    x = numbers(steps, batch, inputs, seed=1).requires_grad_()
    weight = numbers(outputs, inputs, kernel, seed=2).requires_grad_()
    bias = numbers(outputs, seed=3).requires_grad_()
    channels = torch.nn.functional.pad(x.permute(1, 2, 0), ((kernel - 1) * dilation if causal else 0, 0))
    y = torch.nn.functional.conv1d(channels, weight, bias, stride, 0, dilation).tanh().permute(2, 0, 1)
    dy = numbers(*y.shape, seed=4)
    y.backward(dy)
    taps_first = lambda w: w.permute(0, 2, 1).reshape(outputs, kernel * inputs)
    return {f"{name}.{key}": value for key, value in {
        "sizes": torch.tensor([inputs, outputs, kernel, dilation, stride, int(causal), batch]), "x": x,
        "W": taps_first(weight), "b": bias, "y": y, "dy": dy, "dx": x.grad, "dW": taps_first(weight.grad),
        "db": bias.grad}.items()}


def batch_norm():
    layer = torch.nn.BatchNorm1d(3, eps=0.01).eval()
    layer.running_mean, layer.running_var = numbers(3, seed=5), numbers(3, seed=6).abs() + 0.5
    layer.weight, layer.bias = (torch.nn.Parameter(numbers(3, seed=seed)) for seed in (7, 8))
    x = numbers(4, 2, 3, seed=1).requires_grad_()
    y = layer(x.view(8, 3)).view(4, 2, 3)
    dy = numbers(4, 2, 3, seed=2)
    y.backward(dy)
    return {"x": x, "gamma": layer.weight, "beta": layer.bias, "mean": layer.running_mean,
            "variance": layer.running_var, "y": y, "dy": dy, "dx": x.grad, "dgamma": layer.weight.grad,
            "dbeta": layer.bias.grad}


def layer_norm():
    layer = torch.nn.LayerNorm(5, eps=0.01)
    layer.weight, layer.bias = (torch.nn.Parameter(numbers(5, seed=seed)) for seed in (7, 8))
    x = numbers(3, 2, 5, seed=1).requires_grad_()
    y = layer(x)
    dy = numbers(3, 2, 5, seed=2)
    y.backward(dy)
    return {"x": x, "gamma": layer.weight, "beta": layer.bias, "y": y, "dy": dy, "dx": x.grad,
            "dgamma": layer.weight.grad, "dbeta": layer.bias.grad}


def attention(score):
    """Luong's global attention: the weighted mean of what is remembered, on top of the query. Of two sequences, the second
    remembers 3 steps of 4, and asks 2 times of 3."""
    query, memory, units, lengths, asked = 3 if score != "dot" else 4, 4, 5, [4, 3], [3, 2]
    h = numbers(3, 2, query, seed=1).requires_grad_()
    m = numbers(4, 2, memory, seed=2).requires_grad_()
    weights = {"dot": {}, "general": {"W": numbers(memory, query, seed=3)},
               "additive": {"W": numbers(units, query, seed=3), "U": numbers(units, memory, seed=4),
                            "v": numbers(units, 1, seed=5)}}[score]
    for value in weights.values():
        value.requires_grad_()
    keys = m.permute(1, 0, 2)  # (batch, source steps, memory)
    queries = h.permute(1, 0, 2)
    if score == "dot":
        scores = queries @ keys.transpose(1, 2)
    elif score == "general":
        scores = queries @ weights["W"].T @ keys.transpose(1, 2)
    else:
        scores = (torch.tanh((queries @ weights["W"].T)[:, :, None, :] + (keys @ weights["U"].T)[:, None, :, :])
                  @ weights["v"]).squeeze(-1)
    past = torch.arange(4)[None, None, :] >= torch.tensor(lengths)[:, None, None]
    alpha = scores.masked_fill(past, -torch.inf).softmax(-1)
    y = torch.cat([alpha @ keys, queries], -1).permute(1, 0, 2)
    real = (torch.arange(3)[:, None] < torch.tensor(asked)[None, :])[:, :, None]
    y = y * real
    dy = numbers(*y.shape, seed=6)
    y.backward(dy)
    return {f"{score}.{key}": value for key, value in {
        "x": h, "memory": m, "y": y, "dy": dy * real, "weights": alpha.permute(1, 0, 2) * real, "dx": h.grad,
        "dmemory": m.grad, **weights, **{"d" + name: value.grad for name, value in weights.items()}}.items()}


def main():
    golden_format.write("conv1d.txt", "make_layers.py",
                        ["tanh of torch.nn.functional.conv1d, causal: padded with zeros in front; dy given",
                         "sizes: inputs, outputs, kernel, dilation, stride, causal, batch; W: its taps in front of inputs"],
                        {**conv1d("causal", 2, 3, 4, 9, 2, 1, 1, True), **conv1d("dilated", 3, 2, 3, 11, 1, 3, 1, True),
                         **conv1d("strided", 2, 2, 3, 8, 3, 1, 2, True), **conv1d("valid", 2, 3, 3, 10, 2, 2, 3, False)})
    golden_format.write("batch_norm.txt", "make_layers.py",
                        ["torch.nn.BatchNorm1d(3, eps=0.01).eval(); dy given"], batch_norm())
    golden_format.write("layer_norm.txt", "make_layers.py", ["torch.nn.LayerNorm(5, eps=0.01); dy given"], layer_norm())
    golden_format.write("attention.txt", "make_layers.py",
                        ["Luong's attention by autograd, y = [context, x]; dy given; 4 and 3 steps are remembered, 3 and 2 ask"],
                        {**attention("dot"), **attention("general"), **attention("additive")})


if __name__ == "__main__":
    main()
