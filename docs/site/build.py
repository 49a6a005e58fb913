#!/usr/bin/env python3
"""Builds the manual: build.py OUT [LIVE], a folder of static HTML that needs no server. Stops at the first thing that is wrong: a link to
no file, a picture that can't be drawn, a warning of Doxygen, a public name without a comment. LIVE has the live page's net, engine.js and
engine.wasm; without it the page says how to build them.

build.py --names lists the public names that have no comment, and nothing else (python3 docs/site/build.py --names)."""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import api  # noqa: E402
import live  # noqa: E402
from layout import frame  # noqa: E402
from pages import Failure, Pages  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The order of the contents. A Markdown file of docs/ or docs/guides/ that isn't here comes after those that are.
GUIDES = ["first-net", "first-net.ja", "forecast-your-csv", "classify-sequences", "text-by-character", "translate-with-attention", "stream-in-real-time", "train-and-go-on", "choosing", "from-other-libraries", "deploy",
          "write-a-cell", "write-a-layer", "write-a-loss", "check-gradients"]
MANUAL = ["live", "what-is-an-lstm", "what-is-an-lstm.ja", "training", "data", "streaming", "decoding", "models", "formats", "command", "amp", "compiled", "cluster", "platforms", "performance", "compared", "experiments", "gallery",
          "architecture"]
ROOMS = [
    ("layer", "Layers: recurrent ones, what stands between them, and rows of them"),
    ("cell", "Cells: the equations of one step; gates and activations"),
    ("loss", "Losses"),
    ("optim", "Optimizers, clipping, schedules"),
    ("data", "Tables, dates, scalers, splits"),
    ("train", "Data sets, fit, metrics, gradient checks"),
    ("stream", "Sample by sample"),
    ("model", "Models whose layers are known at run time"),
    ("decode", "From logits to tokens"),
    ("plot", "Pictures: opt-in headers, drawn by gnuplot"),
    ("io", "Files: opt-in headers"),
    ("mpi", "Training over several machines: opt-in headers"),
    ("core", "Matrices, sequences, parameters, random numbers"),
    ("simd", "Denormal numbers"),
    ("kernel", "Threads"),
]


def ordered(folder, order):
    """The names of a folder's Markdown files, without .md."""
    path = os.path.join(ROOT, folder)
    names = sorted(name[:-3] for name in os.listdir(path) if name.endswith(".md")) if os.path.isdir(path) else []
    return [name for name in order if name in names] + [name for name in names if name not in order]


def heading(source):
    with open(os.path.join(ROOT, source), encoding="utf-8") as file:
        for line in file:
            if line.startswith("# "):
                return line[2:].strip().replace("`", "")
    raise Failure(f"{source} has no heading of the first order")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    names_only = sys.argv[1] == "--names"
    engine = sys.argv[2] if len(sys.argv) == 3 else None
    out = os.path.join(ROOT, "build", "docs") if names_only else os.path.abspath(sys.argv[1])
    work = out + "-doxygen"
    headers, found, missing, warnings = api.read(ROOT, work)
    for line in missing:
        print(f"{line} is not documented", file=sys.stderr)
    for line in warnings:
        print(line, file=sys.stderr)
    if names_only:
        sys.exit(1 if missing else 0)

    site = Pages(ROOT, out)
    guides, manual = ordered("docs/guides", GUIDES), ordered("docs", MANUAL)
    sources = [("README.md", "index.html")]
    sources += [(f"docs/guides/{name}.md", f"guides/{name}.html") for name in guides]
    sources += [(f"docs/{name}.md", f"{name}.html") for name in manual]
    sources += [("CHANGELOG.md", "changelog.html"), ("CONTRIBUTING.md", "contributing.html"), ("packaging/README.md", "packaging.html")]
    for source, page in sources:
        site.add(source, page)
    titled = {page: heading(source) for source, page in sources}
    reference = api.Reference(headers, found)
    for header in found:
        site.add(f"include/carousel/{header}", reference.page(header))
    standing = sorted({header.split("/")[0] for header in found if "/" in header})
    rooms = [room for room in ROOMS if room[0] in standing] + [(room, "") for room in standing if room not in dict(ROOMS)]
    groups = [
        ("Start", [("Carousel", "index.html")]),
        ("Guides", [(titled[f"guides/{name}.html"], f"guides/{name}.html") for name in guides]),
        ("Manual", [(titled[f"{name}.html"], f"{name}.html") for name in manual]),
        ("Reference", [("All names", "api/index.html")] + [(room[0] + "/", f"api/index.html#{room[0]}") for room in rooms]),
        ("Project", [("Changes", "changelog.html"), ("Taking part", "contributing.html"), ("Packages", "packaging.html")]),
    ]
    groups = [group for group in groups if group[1]]

    shutil.rmtree(out, ignore_errors=True)

    def write(page, text):
        path = os.path.join(out, page)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    entries = []
    for source, page in sources:
        title, body, contents, sections = site.render(source, page)
        if source == live.SOURCE:
            body = live.with_panel(ROOT, body, engine)
        write(page, frame(title, body, page, groups, contents))
        for text, anchor, words in sections:
            entries.append([text if text == title else f"{text} · {title}", "page", f"{page}#{anchor}", words])
    for header in found:
        page, body, contents = reference.header_page(header)
        write(page, frame(header, body, page, groups, contents))
        site.linked.add(f"include/carousel/{header}")
    page, body = reference.index(rooms)
    write(page, frame("Reference", body, page, groups))
    entries += [list(entry) for entry in reference.entries()]
    for source in sorted(site.linked):
        title, body = site.render_source(source)
        write(f"source/{source}.html", frame(title, body, f"source/{source}.html", groups))
    for image in site.images:
        os.makedirs(os.path.dirname(os.path.join(out, image)), exist_ok=True)
        shutil.copy(os.path.join(ROOT, image), os.path.join(out, image))
    for file in ("style.css", "site.js"):
        shutil.copy(os.path.join(ROOT, "docs", "site", file), os.path.join(out, file))
    write("search.js", "window.searchEntries = " + json.dumps(entries, ensure_ascii=False, separators=(",", ":")) + ";\n")
    for name, text in live.files(ROOT, engine):
        write(name, text)
    write(".nojekyll", "")
    shutil.rmtree(work, ignore_errors=True)
    count = sum(len(files) for _, _, files in os.walk(out))
    print(f"manual: {len(sources)} pages and {len(found)} headers, {count} files in {out}")
    if missing or warnings:
        sys.exit(f"manual: {len(missing)} public names have no comment, doxygen has {len(warnings)} warnings (above)")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"manual: {failure}")
