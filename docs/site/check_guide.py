#!/usr/bin/env python3
"""Checks that a guide shows what its program is and prints: check_guide.py GUIDE.md PROGRAM.cpp EXECUTABLE [ARGUMENT…].

Each block ```cpp stands in the program's source, whole lines in this order (```cpp not compiled doesn't), and each block ```python
in a Python file of the folder that is named as the program, if there is one. The blocks ```text output
are, one after the other, what the program prints; numbers with a point may differ by a third, for other processors round otherwise.
check_guide.py --write … puts the program's output into the guide's only block instead."""
import glob
import os
import re
import subprocess
import sys

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.S | re.M)


def lines_of(text):
    return [line.strip() for line in text.split("\n") if line.strip()]


def lines_of_file(path):
    with open(path, encoding="utf-8") as file:
        return lines_of(file.read())


def stands_in(code, program):
    wanted = lines_of(code)
    return any(program[k:k + len(wanted)] == wanted for k in range(len(program)))


def same(word, expected):
    if word == expected:
        return True
    if not re.fullmatch(r"-?\d+\.\d+(e-?\d+)?[,;:]?", word) or not re.fullmatch(r"-?\d+\.\d+(e-?\d+)?[,;:]?", expected):
        return False
    a, b = float(word.strip(",;:")), float(expected.strip(",;:"))
    return abs(a - b) <= max(abs(a), abs(b)) / 3


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    if len(arguments) < 3:
        sys.exit(__doc__)
    guide, source, *command = arguments
    with open(guide, encoding="utf-8") as file:
        page = file.read()
    program = lines_of_file(source)
    scripts = {path: lines_of_file(path) for path in glob.glob(os.path.splitext(source)[0] + "/*.py")}
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} ends with {done.returncode}: {done.stderr}")
    if "--write" in sys.argv:
        page = re.sub(r"^```text output\n.*?^```$", lambda _: "```text output\n" + done.stdout + "```", page, count=1, flags=re.S | re.M)
        with open(guide, "w", encoding="utf-8") as file:
            file.write(page)

    wrong, blocks, shown = [], 0, []
    for info, code in FENCE.findall(page):
        if info == "cpp":
            blocks += 1
            if not stands_in(code, program):
                wrong.append(f"{guide}: this code isn't in {source}:\n{code}")
        elif info == "python" and scripts:
            blocks += 1
            if not any(stands_in(code, lines) for lines in scripts.values()):
                wrong.append(f"{guide}: this code isn't in {', '.join(scripts)}:\n{code}")
        elif info == "text output":
            shown += code.rstrip("\n").split("\n")
    printed = done.stdout.rstrip("\n").split("\n")
    if len(printed) != len(shown):
        wrong.append(f"{guide} shows {len(shown)} lines of output, the program prints {len(printed)}:\n{done.stdout}")
    for line, expected in zip(printed, shown):
        words, others = line.split(), expected.split()
        if len(words) != len(others) or not all(map(same, words, others)):
            wrong.append(f"{guide} shows '{expected}', the program prints '{line}'")
    if wrong or blocks == 0 and not shown:
        sys.exit("\n".join(wrong) or f"{guide} shows nothing of its program")
    print(f"{guide}: {blocks} pieces of code and {len(shown)} lines of output are the program's")


if __name__ == "__main__":
    main()
