#!/usr/bin/env python3
"""Golden files from PyTorch in float64: outputs, gradients, optimizers and schedules.

Run without arguments; needs torch and numpy (Debian: python3-torch). The same seeds give the same files, to the rounding of the BLAS.

Names: x (T,B,I), h0 c0 hT cT (B,H), W (G*H,I), U (G*H,H), b_ih b_hh (G*H), y (T,B,H), dy dhT dcT the upstream gradients
of y, hT, cT, and grad_<name> the gradient with respect to <name>. Gate blocks as PyTorch stacks them: LSTM i,f,g,o;
GRU r,z,n. Where the reader is to have one bias, b_hh is zero and not trained, and b_ih is called b.
"""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import golden_format

TORCH_NAMES = {"W": "weight_ih", "U": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}


def draw(*shape, scale=1.0):
    """Normal numbers of four decimals: short to print, exact to read."""
    return (scale * torch.randn(*shape)).mul(1e4).round().div(1e4)


def write(file, notes, tensors):
    golden_format.write(file, "make_torch.py", ["PyTorch, float64"] + notes, tensors)


def randomise(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(draw(*parameter.shape, scale=0.5))


def weights(module, suffix="_l0"):
    return {name: getattr(module, torch_name + suffix) for name, torch_name in TORCH_NAMES.items()}


def layer(file, module, reverse=False):
    """One layer, one direction, full-length sequences, with a given initial state."""
    T, B = 6, 3
    I, H = module.input_size, module.hidden_size
    is_lstm = isinstance(module, nn.LSTM)
    randomise(module)
    x, h0, dy, dhT = draw(T, B, I), draw(B, H), draw(T, B, H), draw(B, H)
    inputs, upstream = {"x": x, "h0": h0}, {"dy": dy, "dhT": dhT}
    if is_lstm:
        inputs["c0"], upstream["dcT"] = draw(B, H), draw(B, H)
    for tensor in inputs.values():
        tensor.requires_grad_()

    state = (h0[None], inputs["c0"][None]) if is_lstm else h0[None]
    y, last = module(x.flip(0) if reverse else x, state)
    if reverse:
        y = y.flip(0)
    outputs = {"y": y}
    outputs.update({"hT": last[0][0], "cT": last[1][0]} if is_lstm else {"hT": last[0]})
    sum((outputs[name[1:]] * gradient).sum() for name, gradient in upstream.items()).backward()

    inputs.update(weights(module))
    notes = ["runs from the last step to the first; y stands at the input's time, hT is the state after x[0]"] * reverse
    write(file, notes, {**inputs, **outputs, **upstream, **{f"grad_{n}": t.grad for n, t in inputs.items()}})


def ragged_lstm():
    """Both directions over sequences of different lengths."""
    T, B, I, H = 6, 3, 4, 5
    lengths = torch.tensor([6, 2, 4])
    lstm = nn.LSTM(I, H, bidirectional=True)
    randomise(lstm)
    inputs = {"x": draw(T, B, I)}
    inputs.update({name: draw(B, H) for name in ("h0", "c0", "h0_reverse", "c0_reverse")})
    for tensor in inputs.values():
        tensor.requires_grad_()
    packed = pack_padded_sequence(inputs["x"], lengths, enforce_sorted=False)
    h0, c0 = (torch.stack([inputs[s], inputs[s + "_reverse"]]) for s in ("h0", "c0"))
    y, (hT, cT) = lstm(packed, (h0, c0))
    y, _ = pad_packed_sequence(y, total_length=T)
    outputs = {"y": y, "hT": hT[0], "cT": cT[0], "hT_reverse": hT[1], "cT_reverse": cT[1]}
    upstream = {"d" + name: draw(*tensor.shape) for name, tensor in outputs.items()}
    sum((outputs[name[1:]] * gradient).sum() for name, gradient in upstream.items()).backward()

    inputs.update(weights(lstm))
    inputs.update({f"{name}_reverse": tensor for name, tensor in weights(lstm, "_l0_reverse").items()})
    write("lstm_ragged.txt",
          ["y and dy are (T,B,2H): forward features, then those of the reverse direction, at the input's time",
           "past the end of a sequence y is zero; x and dy are not zero there and must not matter",
           "hT is the state after the last valid step, hT_reverse the one after x[0]"],
          {"lengths": lengths, **inputs, **outputs, **upstream, **{f"grad_{n}": t.grad for n, t in inputs.items()}})


def bidirectional():
    """Two layers, both directions, over sequences of different lengths."""
    T, B, I, H = 5, 4, 3, 4
    lengths = torch.tensor([3, 5, 1, 4])
    lstm = nn.LSTM(I, H, 2, bidirectional=True)
    randomise(lstm)
    inputs = {"x": draw(T, B, I), "h0": draw(4, B, H), "c0": draw(4, B, H)}
    for tensor in inputs.values():
        tensor.requires_grad_()
    packed = pack_padded_sequence(inputs["x"], lengths, enforce_sorted=False)
    y, (hT, cT) = lstm(packed, (inputs["h0"], inputs["c0"]))
    outputs = {"y": pad_packed_sequence(y, total_length=T)[0], "hT": hT, "cT": cT}
    upstream = {"d" + name: draw(*tensor.shape) for name, tensor in outputs.items()}
    sum((outputs[name[1:]] * gradient).sum() for name, gradient in upstream.items()).backward()

    for k in range(2):
        for suffix in ("", "_reverse"):
            named = weights(lstm, f"_l{k}{suffix}")
            inputs.update({f"{name}_{k}{suffix}": tensor for name, tensor in named.items()})
    write("lstm_bidirectional.txt",
          ["two layers, W_<layer> and W_<layer>_reverse ...; h0 c0 hT cT are (4,B,H): layer 0, its reverse, layer 1, its reverse",
           "past the end of a sequence y is zero; x and dy are not zero there and must not matter"],
          {"lengths": lengths, **inputs, **outputs, **upstream, **{f"grad_{n}": t.grad for n, t in inputs.items()}})


class LastStepModel(nn.Module):
    """LSTM layers with one bias each, then Linear on the last step."""

    def __init__(self, inputs, hidden, outputs, layers=1):
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, layers)
        self.dense = nn.Linear(hidden, outputs)
        randomise(self)
        for k in range(layers):
            bias = getattr(self.lstm, f"bias_hh_l{k}")
            nn.init.zeros_(bias)
            bias.requires_grad_(False)

    def forward(self, x):
        return self.dense(self.lstm(x)[0][-1])

    def named(self):
        """The trained tensors by their golden name."""
        tensors = {}
        for k in range(self.lstm.num_layers):
            suffix = f"_{k}" if self.lstm.num_layers > 1 else ""
            for name, torch_name in {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih"}.items():
                tensors[name + suffix] = getattr(self.lstm, f"{torch_name}_l{k}")
        return {**tensors, "W_dense": self.dense.weight, "b_dense": self.dense.bias}


def stacked():
    model = LastStepModel(2, 3, 2, layers=2)
    x, target = draw(4, 3, 2).requires_grad_(), draw(3, 2)
    prediction = model(x)
    loss = nn.functional.mse_loss(prediction, target)
    loss.backward()
    inputs = {"x": x, **model.named()}
    write("stacked.txt",
          ["LSTM(2 -> 3), LSTM(3 -> 3), Linear(3 -> 2) on the last step; initial states zero",
           "loss = mean over batch and features of (prediction - target)^2"],
          {**inputs, "target": target, "prediction": prediction, "loss": loss,
           **{f"grad_{n}": t.grad for n, t in inputs.items()}})


def plain_clip(parameters, limit):
    """Gradients times limit / norm when norm > limit, as in the paper; returns the norm before."""
    norm = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in parameters]))
    if norm > limit:
        for p in parameters:
            p.grad *= limit / norm
    return norm


def train(make_optimizer, clip=None, limit=None, make_schedule=None):
    """Ten full-batch steps of LSTM(2 -> 4), Linear(4 -> 1) on the last step; the same start every time."""
    torch.manual_seed(7)
    model = LastStepModel(2, 4, 1)
    x, target = draw(5, 4, 2), draw(4, 1)
    tensors = {"x": x, "target": target, **{name: p.detach().clone() for name, p in model.named().items()}}
    parameters = list(model.named().values())
    optimizer = make_optimizer(parameters)
    schedule = make_schedule(optimizer) if make_schedule else None
    losses, norms, rates = [], [], []
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), target)
        loss.backward()
        if clip:
            norms.append(clip(parameters, limit).item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    result = {"loss": losses}
    if clip:
        result["norm"] = norms
        assert min(norms) < limit < max(norms), "some steps must be clipped and some not"
    if schedule:
        result["learning_rates"] = rates
    result.update({f"final_{name}": p for name, p in model.named().items()})
    return tensors, result


TRAINING_NOTES = ["ten full-batch steps of LSTM(2 -> 4), Linear(4 -> 1) on the last step, mean squared error",
                  "loss[k] is the loss before update k; final_<name> is <name> after ten updates"]


def training():
    optim = torch.optim
    optimizers = {
        "sgd": (optim.SGD, dict(lr=0.1)),
        "sgd_momentum": (optim.SGD, dict(lr=0.1, momentum=0.9)),
        "sgd_nesterov": (optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True)),
        "rmsprop": (optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=1e-7)),
        "rmsprop_centered_momentum": (optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=1e-7, momentum=0.5, centered=True)),
        "adam": (optim.Adam, dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8)),
        "adamw": (optim.AdamW, dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)),
        "adam_l2": (optim.Adam, dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)),
    }
    for name, (optimizer, options) in optimizers.items():
        tensors, result = train(lambda parameters: optimizer(parameters, **options))
        numbers = {("learning_rate" if k == "lr" else k): v for k, v in options.items() if not isinstance(v, bool)}
        call = f"torch.optim.{optimizer.__name__}({', '.join(f'{k}={v}' for k, v in options.items())})"
        notes = [call] + ["the decay is applied to biases too"] * ("weight_decay" in options)
        write(f"training_{name}.txt", TRAINING_NOTES + notes, {**numbers, **tensors, **result})

    learning_rate, max_norm = 0.5, 0.25

    def sgd(parameters):
        return optim.SGD(parameters, lr=learning_rate)

    tensors, result = train(sgd, nn.utils.clip_grad_norm_, max_norm)
    _, plain = train(sgd, plain_clip, max_norm)
    write("training_clip_norm.txt",
          TRAINING_NOTES + [
              "SGD, gradients clipped by their global norm; norm[k] is the norm before clipping",
              "loss, norm, final_*: clip_grad_norm_, which multiplies by min(1, max_norm / (norm + 1e-6))",
              "plain_*: the same, multiplied by max_norm / norm if norm > max_norm, nothing added to the norm"],
          {"learning_rate": learning_rate, "max_norm": max_norm, **tensors, **result,
           **{f"plain_{name}": tensor for name, tensor in plain.items()}})

    for name, schedule, options in (("step_lr", optim.lr_scheduler.StepLR, dict(step_size=3, gamma=0.5)),
                                    ("cosine_lr", optim.lr_scheduler.CosineAnnealingLR, dict(T_max=10, eta_min=0.01))):
        tensors, result = train(sgd, make_schedule=lambda optimizer: schedule(optimizer, **options))
        call = f"{schedule.__name__}({', '.join(f'{k}={v}' for k, v in options.items())})"
        write(f"training_{name}.txt",
              TRAINING_NOTES + [f"SGD, {call} stepped after every update", "learning_rates[k] is the rate of update k"],
              {"learning_rate": learning_rate, **tensors, **result})


def schedules():
    """Rates alone, over more epochs than the training files have."""
    schedulers = torch.optim.lr_scheduler

    def rates(make, epochs):
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        schedule, result = make(optimizer), []
        for epoch in range(epochs):
            result.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if epoch + 1 < epochs:  # OneCycleLR knows no further step
                schedule.step()
        return result

    metrics = [1.0, 0.8, 0.79999, 0.81, 0.82, 0.83, 0.83, 0.83, 0.83, 0.7, 0.7, 0.7, 0.7, 0.7, 0.69, 0.7, 0.7, 0.7, 0.7]
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    plateau = schedulers.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, cooldown=1, min_lr=0.02)
    plateau_rates = []
    for metric in metrics:
        plateau.step(metric)
        plateau_rates.append(optimizer.param_groups[0]["lr"])

    write("schedules.txt",
          ["initial rate 0.1; step, cosine, exponential: entry k is the rate of epoch k",
           "step: StepLR(step_size=4, gamma=0.1); exponential: ExponentialLR(gamma=0.9)",
           "cosine: CosineAnnealingLR(T_max=20, eta_min=0.001), up to and with epoch 20",
           "plateau_rates[k]: the rate after step(plateau_metrics[k]) of ReduceLROnPlateau(mode='min', factor=0.5,",
           "patience=2, cooldown=1, min_lr=0.02, threshold=1e-4 relative: better is metric < best * (1 - 1e-4))",
           "one_cycle, one_cycle_linear: OneCycleLR(max_lr=0.1, total_steps=20), linear: pct_start=0.25,",
           "anneal_strategy='linear', div_factor=10, final_div_factor=100"],
          {"step": rates(lambda o: schedulers.StepLR(o, step_size=4, gamma=0.1), 13),
           "cosine": rates(lambda o: schedulers.CosineAnnealingLR(o, T_max=20, eta_min=0.001), 21),
           "exponential": rates(lambda o: schedulers.ExponentialLR(o, gamma=0.9), 13),
           "plateau_metrics": metrics, "plateau_rates": plateau_rates,
           "one_cycle": rates(lambda o: schedulers.OneCycleLR(o, 0.1, total_steps=20), 20),
           "one_cycle_linear": rates(lambda o: schedulers.OneCycleLR(
               o, 0.1, total_steps=20, pct_start=0.25, anneal_strategy="linear", div_factor=10, final_div_factor=100), 20)})


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1)
    layer("rnn.txt", nn.RNN(4, 5, nonlinearity="tanh"))
    layer("rnn_relu.txt", nn.RNN(4, 5, nonlinearity="relu"))
    layer("lstm.txt", nn.LSTM(4, 5))
    layer("gru.txt", nn.GRU(4, 5))
    layer("lstm_reverse.txt", nn.LSTM(4, 5), reverse=True)
    layer("gru_reverse.txt", nn.GRU(4, 5), reverse=True)
    ragged_lstm()
    stacked()
    training()
    schedules()
    bidirectional()


if __name__ == "__main__":
    main()
