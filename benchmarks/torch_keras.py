"""What the PyTorch programs here share: Keras' optimizers and initialisers, where PyTorch's own differ, and a stopwatch."""
import math
import time

import torch
from torch import nn


class KerasRMSprop(torch.optim.Optimizer):
    """RMSprop with epsilon under the root, which torch.optim.RMSprop adds outside."""

    def __init__(self, parameters, lr=1e-3, rho=0.9, eps=1e-7):
        super().__init__(parameters, dict(lr=lr, rho=rho, eps=eps))
        for group in self.param_groups:
            group["v"] = [torch.zeros_like(p) for p in group["params"]]

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p, v in zip(group["params"], group["v"]):
                v.mul_(group["rho"]).addcmul_(p.grad, p.grad, value=1 - group["rho"])
                p.addcdiv_(p.grad, (v + group["eps"]).sqrt_(), value=-group["lr"])


class KerasAdam(torch.optim.Adam):
    """Adam as Keras and DeZero write it: epsilon is added to the root of v before its bias is corrected."""

    def __init__(self, parameters, lr=1e-3, eps=1e-7):
        super().__init__(parameters, lr=lr)
        self.keras_eps, self.t = eps, 0

    def step(self):
        self.t += 1
        for group in self.param_groups:
            group["eps"] = self.keras_eps / math.sqrt(1 - group["betas"][1] ** self.t)
        super().step()


def keras_recurrent(layer):
    """Gives an nn.LSTM or nn.RNN of one layer Keras' initialisers and one trained bias."""
    nn.init.xavier_uniform_(layer.weight_ih_l0)
    nn.init.orthogonal_(layer.weight_hh_l0)
    nn.init.zeros_(layer.bias_ih_l0)
    if isinstance(layer, nn.LSTM):
        nn.init.ones_(layer.bias_ih_l0[layer.hidden_size:2 * layer.hidden_size].detach())
    nn.init.zeros_(layer.bias_hh_l0).requires_grad_(False)
    return layer


def keras_dense(layer):
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def trained(model):
    return [p for p in model.parameters() if p.requires_grad]


class Stopwatch:
    def __init__(self):
        self.seconds = 0.0

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *_):
        self.seconds += time.perf_counter() - self.start
