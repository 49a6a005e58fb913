#!/usr/bin/env python3
"""Runs `carousel check` on every model file whose output is known: tests/tools/references.py build/tools/carousel [DATA]

The golden files of this repository, and, if the folder DATA of third-party files is given (CAROUSEL_CONFORMANCE_DATA), its
models/, as whole sequences and, where the model can be streamed, sample by sample; and what `carousel convert` makes of them.
Needs nothing but Python itself: references in .npz, .json and .txt files are written as .npy files first.
"""

import csv
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import zipfile

PROGRAM = os.path.abspath(sys.argv[1])
DATA = os.path.join(sys.argv[2], "models") if len(sys.argv) > 2 else ""
GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
BUILT_WITHOUT = re.findall(r"(\w+) \(", subprocess.run([PROGRAM, "--version"], capture_output=True, text=True).stdout)
FORMATS = {".onnx": "onnx", ".pt": "pytorch", ".tar": "pytorch", ".h5": "keras", ".keras": "keras"}

# How many outputs of converted models are compared at least, with the golden files alone and with DATA: a format that
# began to refuse what it can say would have fewer.
LEAST = {"carousel": (40, 96), "pytorch": (35, 87), "onnx": (40, 96), "rtneural": (16, 48), "nam": (5, 12)}

# Of DATA, what `carousel info` refuses, and why.
REFUSED = {
    "keras/guitarlstm_ts9_model.h5": 'layer "conv1d_1" (Conv1D): option padding is "same"', # loaded with --first-layer lstm
    "onnx/silero_vad_16k_op15.onnx": "it pads with something else than zeros",
    "rtneural/bad_lstm.json": "the kernel is 1 x 80",
}

checks = failures = left_out = 0
compared, skipped = dict.fromkeys(LEAST, 0), dict.fromkeys(LEAST, 0)


def carousel(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)


def write_npy(path, shape, numbers):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }" % "".join(f"{n}, " for n in shape)
    header = header.ljust(117) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(numbers)}f", *numbers))
    return path


def write_state(path, matrices):
    """matrices: (rows, columns, numbers in row-major order) of each layer."""
    header, data = {}, b""
    for k, (rows, columns, numbers) in enumerate(matrices):
        part = struct.pack(f"<{len(numbers)}f", *numbers)
        header[f"state.{k}"] = {"dtype": "F32", "shape": [rows, columns], "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    return path


def check(model, x, y, *options):
    """The file's own output, that of its Stream, and those of what it is converted to."""
    global checks, failures, left_out
    if FORMATS.get(os.path.splitext(model)[1]) in BUILT_WITHOUT:
        left_out += 1
        return
    load = [o for o in options if o not in ("--time-major",) and not o.startswith(("--state=", "--knob="))]
    run = [o for o in options if o not in load]

    def compare(what, file, *extra):
        global checks, failures
        result = carousel("check", file, x, y, *run, *extra)
        if "can't be streamed" in result.stderr:
            return False
        checks += 1
        if result.returncode != 0:
            failures += 1
            print(f"FAILED: {what}\n{result.stdout}{result.stderr}", end="")
        return True

    compare(model, model, *load)
    compare(model + ", streamed", model, *load, "--stream")
    if "--prewarm" in load:
        return # what it converts to is the model without the silence before it
    for name, to in (("copy.safetensors", "carousel"), ("torch.safetensors", "pytorch"), ("copy.onnx", "onnx"),
                     ("copy.json", "rtneural"), ("copy.nam", "nam")):
        result = carousel("convert", model, name, "--to", to, *load, "--save-state", "state.safetensors")
        state = ["--state=state.safetensors"]
        if "holds no state" in result.stderr:
            result, state = carousel("convert", model, name, "--to", to, *load), []
        skipped[to] += 1
        if result.returncode != 0: # a format can't say every model; then it says so
            if result.returncode != 1 or not result.stderr.startswith("error: "):
                failures += 1
                print(f"FAILED: {model} to {to}: {result.returncode} {result.stderr}", end="")
            continue
        if to == "rtneural" and "once a sequence" in carousel("info", model, *load).stdout:
            continue # there it is every step
        if to == "pytorch" and carousel("run", name, x, "out.npy", *run).returncode != 0:
            continue # without an architecture line, which can't say this model
        if compare(f"{model} as {to}", name, *([] if any(o.startswith("--state") for o in run) else state)):
            skipped[to] -= 1
            compared[to] += 1


def golden_tensors(path):
    tensors, lines = {}, [line for line in open(path) if not line.startswith("#")]
    for head, numbers in zip(lines[::2], lines[1::2]):
        name, *shape = head.split()
        tensors[name] = ([int(n) for n in shape], [float(n) for n in numbers.split()])
    return tensors


def golden_case(model, tensors, x, y, *options):
    """x and y: names of tensors, (time, batch, features); tokens are (time, batch, 1)."""
    (x_shape, x_numbers), (y_shape, y_numbers) = tensors[x], tensors[y]
    if "tokens" in carousel("info", model, *options).stdout:
        x_shape = x_shape[:2]
    check(model, write_npy("x.npy", x_shape, x_numbers), write_npy("y.npy", y_shape, y_numbers), "--time-major", *options)


def goldens():
    for name in sorted(os.listdir(os.path.join(GOLDEN, "onnx"))):
        # of sequences of unequal lengths, which the program doesn't have
        if name.endswith(".onnx") and not name.startswith("refused") and name != "lengths.onnx":
            tensors = golden_tensors(os.path.join(GOLDEN, "onnx", name[:-5] + ".txt"))
            golden_case(os.path.join(GOLDEN, "onnx", name), tensors, "x", "y")
    tensors = golden_tensors(os.path.join(GOLDEN, "keras", "outputs.txt"))
    for name in ("convolution.keras", "backwards.h5", "reversed_text.keras"):
        stem = name.split(".")[0]
        golden_case(os.path.join(GOLDEN, "keras", name), tensors, "x_" + stem, "y_" + stem)
    tensors = golden_tensors(os.path.join(GOLDEN, "pytorch", "models.txt"))
    for name, line in (("tagger", "embedding(padding_idx=0), gru, linear, leakyrelu(0.1), linear, softmax"),
                       ("amplifier", "residual(rec: nn.LSTM, lin: nn.Linear)"),
                       ("cells", "GRU(2, 3), RNN(3, 4, nonlinearity='relu'), last"),
                       ("convolutions", "Conv1d(2, 3, 3, dilation=2, padding='causal'), Tanh, Conv1d(3, 2, 2, stride=2)")):
        golden_case(os.path.join(GOLDEN, "pytorch", name + ".pt"), tensors, name + ".x", name + ".y",
                    "--architecture=" + line)


def models_with_references():
    """Of INDEX.tsv, those whose reference answers one of the common inputs."""
    global checks, failures, left_out
    inputs = {"1": "input_4096.npy", "2": "input_4096x2_cond0.5.npy", "3": "input_4096x3.npy"}
    torch = {"ref_noskip": "LSTM(2, 32), Linear(32, 1)", "ref_skip1": "residual(LSTM(2, 32), Linear(32, 1))"}
    with open(os.path.join(DATA, "INDEX.tsv")) as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    for row in rows:
        model = os.path.join(DATA, row[0])
        for reference in row[6].split():
            if not reference.endswith(".npy"):
                continue
            kind = reference.split(".")[-2]
            options = ["--architecture=" + torch[kind]] if kind in torch else ["--prewarm"] if kind == "ref_prewarmed" else []
            if FORMATS.get(os.path.splitext(model)[1]) in BUILT_WITHOUT:
                left_out += 1
                continue
            info = carousel("info", model, *options)
            features = re.search(r"^input: *(\d+) feature", info.stdout, re.M)
            if features and features[1] in inputs:
                check(model, os.path.join(DATA, inputs[features[1]]), os.path.join(DATA, reference), *options)
            else:
                failures += 1
                print(f"FAILED: {row[0]}: {info.stderr or 'its input is none of those that are known'}")
    for row in rows: # every other file is one that is known
        if FORMATS.get(os.path.splitext(row[0])[1]) in BUILT_WITHOUT:
            continue
        info = carousel("info", os.path.join(DATA, row[0]))
        why = REFUSED.get(row[0], "")
        if (info.returncode != 1 or why not in info.stderr) if why else info.returncode != 0:
            failures += 1
            print(f"FAILED: info {row[0]}: {info.returncode} {info.stderr}, expected {why or 'no error'}")


def tensor(json_tensor, name):
    return write_npy(name, json_tensor["shape"], json_tensor["data"])


def rows_of(json_tensor):
    """(levels, batch, units): for each level units × batch, as lists of rows."""
    levels, batch, units = json_tensor["shape"]
    data = json_tensor["data"]
    return [[[data[(l * batch + b) * units + u] for b in range(batch)] for u in range(units)] for l in range(levels)]


def made_here():
    lines = {
        "gru_steps": "GRU(2, 12), Linear(12, 1)",
        "gru_with_state": "GRU(6, 14, num_layers=2), Linear(14, 2)",
        "lstm_last": "LSTM(3, 16), last, Linear(16, 2)",
        "lstm_stacked_bidirectional": "LSTM(5, 10, num_layers=2, bidirectional=True), Linear(20, 4)",
        "lstm_with_state": "LSTM(3, 11), Linear(11, 1)",
        "mixed": "Linear(4, 10), Tanh, GRU(10, 7), LSTM(7, 10), Linear(10, 10), ReLU, Linear(10, 3), Sigmoid",
        "residual_gru": "residual(GRU(1, 8), Linear(8, 1))",
        "rnn_relu_time_major": "RNN(4, 9, nonlinearity='relu'), Linear(9, 3)",
        "text_bidirectional": "Embedding(50, 8), LSTM(8, 12, bidirectional=True), last, Linear(24, 5), Softmax",
    }
    for made in ("torch_made", "keras_made"):
        folder = os.path.join(DATA, made)
        for name in sorted(n[:-5] for n in os.listdir(folder) if n.endswith(".json")):
            description = json.load(open(os.path.join(folder, name + ".json")))
            tensors = description["tensors"]
            x, y = tensor(tensors["in_x"], "x.npy"), tensor(tensors["out_y"], "y.npy")
            options = [] if description.get("batch_first", True) else ["--time-major"]
            if "in_h0" in tensors:
                h = rows_of(tensors["in_h0"])
                c = rows_of(tensors["in_c0"]) if "in_c0" in tensors else [[] for _ in h]
                both = [rows + cells for rows, cells in zip(h, c)] # h over c
                write_state("initial.safetensors", [(len(m), len(m[0]), [v for row in m for v in row]) for m in both])
                options.append("--state=initial.safetensors")
            for ending in (".pt", ".legacy.pt", ".onnx", ".keras", ".h5"):
                model = os.path.join(folder, name + ending)
                if not os.path.exists(model):
                    continue
                line = ["--architecture=" + lines[name]] if ending.endswith(".pt") else []
                check(model, x, y, *options, *line)


def from_npz(archive, array, name, shape=None, last=False):
    """An array of an .npz file as a .npy file, of another shape, or its last row alone."""
    with zipfile.ZipFile(os.path.join(DATA, archive)) as file:
        data = file.read(array + ".npy")
    header_end = 10 + struct.unpack("<H", data[8:10])[0]
    header = data[10:header_end].decode()
    assert "'<f4'" in header and "False" in header, header
    own = [int(n) for n in re.findall(r"\d+", header[header.index("'shape'"):])]
    numbers = struct.unpack(f"<{(len(data) - header_end) // 4}f", data[header_end:])
    if last:
        own, numbers = own[1:], numbers[-own[-1]:]
    return write_npy(name, shape or own, numbers)


def single_files():
    bach, guitar = "keras/bach_durs.ref.npz", "keras/guitarlstm_ts9_model.lstm_dense.ref.npz"
    check(os.path.join(DATA, "keras/bach_durs.keras"), from_npz(bach, "x", "x.npy", (16, 5, 1)), from_npz(bach, "y", "y.npy"))
    check(os.path.join(DATA, "keras/guitarlstm_ts9_model.h5"), from_npz(guitar, "x", "x.npy"),
          from_npz(guitar, "y", "y.npy", last=True), "--first-layer=lstm")
    dtln = "onnx/dtln_model_1.ref.npz"
    check(os.path.join(DATA, "onnx/dtln_model_1.onnx"), from_npz(dtln, "input", "x.npy", (32, 257)),
          from_npz(dtln, "output", "y.npy"))
    gtcrn = "pytorch/gtcrn_dns3.gru.ref.npz"
    for module in ("dpgrnn1.inter_rnn.rnn1", "dpgrnn1.intra_rnn.rnn1", "encoder.en_convs.2.tra.att_gru"):
        check(os.path.join(DATA, "pytorch/gtcrn_dns3.tar"), from_npz(gtcrn, "x", "x.npy"), from_npz(gtcrn, module, "y.npy"),
              f"--prefix={module}.", "--architecture=GRU")


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    goldens()
    if DATA:
        models_with_references()
        made_here()
        single_files()
    os.chdir("/")
for to, least in LEAST.items():
    print(f"converted to {to}: {compared[to]} compared, {skipped[to]} skipped")
    if compared[to] < least[bool(DATA)] and not left_out and to not in BUILT_WITHOUT:
        failures += 1
        print(f"FAILED: to {to} {compared[to]} were compared, expected at least {least[bool(DATA)]}")
print(f"{checks} outputs compared, {failures} failed" + (f", {left_out} models left out" if left_out else ""))
sys.exit(failures > 0)
