"""The text format of the golden files, shared by the scripts that make them.

A file is a list of tensors. Each takes two lines: `name d0 d1 ...` (no sizes for a scalar), then all numbers in C
order, each the shortest decimal that reads back as the same float64. Lines that start with '#' are comments.
"""
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent


def write(file, script, notes, tensors):
    """Writes the tensors (a dict of name -> torch tensor, array or number) to tests/golden/<file>."""
    lines = [f"# Made by tests/golden/{script}"] + [f"# {note}" for note in notes]
    for name, tensor in tensors.items():
        values = np.asarray(tensor.detach() if hasattr(tensor, "detach") else tensor, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"{file}: {name} is not finite")
        lines.append(" ".join([name, *map(str, values.shape)]))
        lines.append(" ".join(repr(value).removesuffix(".0") for value in values.ravel().tolist()))
    (FOLDER / file).write_text("\n".join(lines) + "\n")
