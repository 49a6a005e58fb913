"""The reference: Doxygen says which names the headers have, the headers say how they are written, their comments what they mean.

A comment (///) belongs to the declarations under it up to the next blank line or comment. Its text is kept as it stands: blank
lines part paragraphs, lines indented by two spaces or more are set as they are, `code` is code."""
import fnmatch
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CppLexer

import concepts
from layout import escape, relative

# What users don't include: rooms and headers whose names are the library's own affair, as docs/architecture.md has them.
INTERNAL = [
    "kernel/*", "simd/lane.hpp", "simd/elementary.hpp", "simd/fast_elementary.hpp", "simd/clamp.hpp",
    "stream/narrow/*", "stream/voices/*", "stream/*_parts.hpp", "stream/column_*", "stream/*_column.hpp", "stream/*_part.hpp", "stream/lane_step.hpp",
    "stream/step_choice.hpp", "stream/window_ring.hpp", "stream/flush.hpp",
    "model/*_part.hpp", "model/*_parts.hpp", "model/layer_of.hpp", "model/library_layers.hpp", "model/model_file.hpp",
    "io/*/*", "*/*_bodies.hpp", "core/quiet_bounds_*", "core/buffer.hpp", "core/function_ref.hpp", "core/bit_cast.hpp", "core/fma.hpp",
    "core/finite.hpp", "core/number_text.hpp", "core/leading_number.hpp", "layer/pass_record.hpp", "layer/each_parameter.hpp",
    "layer/recurrent_tape.hpp", "train/fit_mistakes.hpp", "mpi/facts.hpp", "mpi/gradient_sum.hpp", "mpi/meeting.hpp", "mpi/message.hpp", "mpi/ranks_team.hpp", "train/team.hpp", "train/totals.hpp", "train/*_checks.hpp", "train/fit_loop.hpp", "train/evaluate_loop.hpp", "layer/conv_windows.hpp", "layer/orthonormalize.hpp",
]
KEPT = ["kernel/threads.hpp", "stream/stream_part.hpp", "stream/voices_part.hpp"]


@dataclass
class Name:
    kind: str
    name: str
    qualified: str
    header: str
    line: int
    end: int
    declaration: str = ""
    comment: str = ""
    shared: bool = False  # with the name before it, whose comment it shares
    own: bool = False  # the comment stands in the header
    members: list = field(default_factory=list)

    @property
    def anchor(self):
        return re.sub(r"[^\w]+", "-", self.qualified.replace("carousel::", "")).strip("-") + f"-{self.line}"


def internal(header):
    return any(fnmatch.fnmatch(header, pattern) for pattern in INTERNAL) and header not in KEPT


def for_doxygen(text):
    """A header as Doxygen 1.9.4 understands it, line by line: namespaces without macros, comments as they stand."""
    text = re.sub(r"::inline CAROUSEL_[A-Z]+", "", text)
    text = re.sub(r"\b(CAROUSEL_INLINE|CAROUSEL_OWN|CAROUSEL_HIDDEN|CAROUSEL_NO_UNIQUE_ADDRESS|CAROUSEL_NONBLOCKING) ?", "", text)
    text = re.sub(r"\[\[gnu::\w+\]\] ?", "", text)
    lines = text.split("\n")
    for k, line in enumerate(lines):
        comment = re.match(r"( *)///(?!<|/)", line)
        if comment:  # that there is one is all that Doxygen is told: api.py reads it in the header
            lines[k] = comment[1] + "// " + line[comment.end():]
        elif "///<" in line:
            lines[k] = line[:line.index("///<")].rstrip()
    return "\n".join(lines)


class Header:
    def __init__(self, path, name):
        with open(path, encoding="utf-8") as file:
            self.lines = file.read().split("\n")
        self.name = name
        self.introduction = []
        for line in self.lines:
            if not line.startswith("//"):
                break
            self.introduction.append(line[2:].removeprefix(" ").rstrip())

    def start(self, line):
        """The first line (from 0) of the declaration whose name stands in `line` (from 1)."""
        k = line - 1
        while k > 0:
            if self.lines[k - 1].strip() == "}": # requires requires { … } before the declaration
                opening = next((j for j in range(k - 2, max(k - 12, 0), -1) if re.match(r"\s*requires\b.*\{$", self.lines[j])), None)
                if opening is not None and not any("}" in line for line in self.lines[opening + 1:k - 1]):
                    k = opening
                    continue
            above = re.sub(r"\s*//.*", "", self.lines[k - 1]).strip()
            if not above or above.startswith("#") or re.search(r"[;{}]$", above) or re.match(r"(public|private|protected):$", above):
                break
            k -= 1
        return k

    def comment(self, line, end):
        """The comment above the declaration and the one behind it (///<), in its first or last line."""
        above, behind = self.above(line), self.behind(line) or self.behind(end)
        return above.removesuffix(".") + ": " + behind if above and behind else above or behind

    def behind(self, line):
        behind = re.search(r"///< ?(.*)", self.lines[line - 1])
        if behind:
            text = [behind[1]]
            k = line
            while k < len(self.lines) and re.match(r"\s*///< ", self.lines[k]):
                text.append(re.sub(r"^\s*///< ?", "", self.lines[k]))
                k += 1
            return "\n".join(text)
        return ""

    def above(self, line):
        k = self.start(line) - 1
        text = []
        while k >= 0 and re.match(r"\s*///(?!<)", self.lines[k]):
            text.insert(0, re.sub(r"^\s*///", "", self.lines[k]).removeprefix(" ").rstrip())
            k -= 1
        return "\n".join(text)

    def declaration(self, kind, name, line):
        """The text of the declaration without its body, and the last line (from 1) that this text is in."""
        first = self.start(line)
        if kind == "enumvalue":
            return re.sub(r"\s*//.*", "", self.lines[first]).strip().rstrip(","), line
        plain = (lambda part: part) if kind == "enum" else (lambda part: re.sub(r"\s*//.*", "", part))
        text = "\n".join(plain(part) for part in self.lines[first:first + 40])
        margin = re.match(r" *", text)[0]
        text = re.sub(r"^" + margin, "", text, flags=re.M)
        text = re.sub(r"\b(CAROUSEL_INLINE|CAROUSEL_OWN|CAROUSEL_HIDDEN|CAROUSEL_NO_UNIQUE_ADDRESS|CAROUSEL_NONBLOCKING) ?", "", text)
        text = re.sub(r"\[\[gnu::\w+\]\] ?", "", text)
        at = 0
        if kind == "function":
            called = re.search(re.escape(name).replace(r"operator", r"operator\s*") + r"\s*\(", text)
            at = called.end() - 1 if called else 0
        depth, braces, end = 0, 0, len(text)
        for k in range(at, len(text)):
            c = text[k]
            if c in "([":
                depth += 1
            elif c in ")]":
                depth -= 1
            elif depth == 0 and c == "{":
                if kind in ("class", "struct", "function", "union"):
                    end = k
                    break
                braces += 1
            elif depth == 0 and c == "}":
                braces -= 1
            elif depth == 0 and braces == 0 and (c == ";" or (kind == "function" and re.match(r"\s:\s", text[k:k + 3]))):
                end = k
                break
        text = text[:end].rstrip()
        return text, first + 1 + text.count("\n")


def read(root, work):
    """All public names of the public headers, by header, and the names that have no comment."""
    include = os.path.join(root, "include", "carousel")
    copy = os.path.join(work, "include", "carousel")
    shutil.rmtree(work, ignore_errors=True)
    headers = {}
    for folder, _, files in os.walk(include):
        for file in sorted(files):
            path = os.path.join(folder, file)
            name = os.path.relpath(path, include).replace(os.sep, "/")
            if not name.endswith(".hpp") or internal(name):
                continue
            headers[name] = Header(path, name)
            target = os.path.join(copy, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(path, encoding="utf-8") as source, open(target, "w", encoding="utf-8") as filtered:
                filtered.write(for_doxygen(source.read()))
    with open(os.path.join(os.path.dirname(__file__), "Doxyfile"), encoding="utf-8") as file:
        settings = file.read() + f'\nINPUT = "{copy}"\nOUTPUT_DIRECTORY = "{work}"\n'
    done = subprocess.run(["doxygen", "-"], input=settings, text=True, capture_output=True, check=False)
    warnings = [line.replace(copy, "include/carousel") for line in done.stderr.splitlines() if "warning" in line or "error" in line]
    if done.returncode:
        raise RuntimeError("doxygen: " + done.stderr)

    found = {}
    xml = os.path.join(work, "xml")
    index = ElementTree.parse(os.path.join(xml, "index.xml")).getroot()
    classes = {}
    for compound in index.findall("compound"):
        kind = compound.get("kind")
        if kind not in ("class", "struct", "union", "namespace", "concept"):
            continue
        definition = ElementTree.parse(os.path.join(xml, compound.get("refid") + ".xml")).getroot().find("compounddef")
        qualified = re.sub(r"\s+", "", definition.findtext("compoundname"))
        if not qualified.startswith("carousel") or "@" in qualified or "CAROUSEL_ISA::" in qualified and "Part" not in qualified:
            continue
        if kind != "namespace":
            if definition.get("prot") not in (None, "public") or "<" in qualified:
                continue
            name = made(kind, qualified, definition.find("location"), copy, headers)
            if name is None:
                continue
            classes[qualified] = name
            owner = name.members
        else:
            owner = None
        for section in definition.findall("sectiondef"):
            for member in section.findall("memberdef"):
                if member.get("prot") != "public" or member.get("kind") == "friend":
                    continue
                plain_name = member.findtext("name")
                if plain_name.startswith("~") or "deduction" in section.get("kind", ""):
                    continue
                item = made(member.get("kind"), qualified + "::" + plain_name, member.find("location"), copy, headers, plain_name)
                if item is None or re.search(r"= (default|delete)$", item.declaration):
                    continue
                (found.setdefault(item.header, []) if owner is None else owner).append(item)
    for qualified, item in classes.items():
        outer = classes.get(qualified.rpartition("::")[0])
        if outer is None and qualified.rpartition("::")[0].startswith("carousel::") and not qualified.startswith(
                ("carousel::CAROUSEL_ISA::", "carousel::field", "carousel::initializer", "carousel::instruction_set_of")):
            continue  # a class inside what isn't public
        (outer.members if outer else found.setdefault(item.header, [])).append(item)

    missing = []
    for header, names in found.items():
        names[:] = in_order(names, header, missing)
    return headers, found, missing, warnings


def made(kind, qualified, location, copy, headers, name=None):
    header = os.path.relpath(location.get("declfile") or location.get("file"), copy).replace(os.sep, "/")
    if header not in headers or location.get("bodyfile") is None and kind in ("class", "struct"):
        return None
    line = int(location.get("declline") or location.get("line"))
    text = headers[header]
    name = name or qualified.rpartition("::")[2]
    declaration, end = text.declaration(kind, name, line)
    return Name(kind, name, qualified.replace("CAROUSEL_ISA::", ""), header, line, end, declaration, text.comment(line, end if kind in ("variable", "typedef") else line))


def in_order(names, header, missing, inside=None):
    """Sorted by line, without what is seen twice; comments that are shared or said by a concept are filled in."""
    unique = {}
    for name in names:
        unique.setdefault((name.line, name.name), name)
    names = sorted(unique.values(), key=lambda name: name.line)
    asked = concepts.BY_ROOM.get(header.split("/")[0], {})
    names = [name for name in names if name.comment or not copies(name, inside)]
    last = None
    for name in names:
        together = last is not None and last.kind == name.kind
        if together and name.declaration == last.declaration and name.line <= last.end: # int steps, batch;
            name.shared, name.comment = True, name.comment or last.comment
        elif not name.comment:
            name.comment = asked.get(name.name, "") if inside else ""
            if not name.comment and together and (last.name == name.name or last.own and follows(last, name)):
                name.shared, name.comment = True, last.comment
                name.own = last.own
            if not name.comment:
                name.comment = next((other.comment for other in names if other.name == name.name and other.own), "")
            if not name.comment and inside:
                name.comment = concepts.ANY.get(name.name, "")
        else:
            name.own = True
        if not name.comment:
            missing.append(f"include/carousel/{header}:{name.line}: {name.qualified}")
        name.members = in_order(name.members, header, missing, name) if name.name not in ("Tape", "Memory") else []
        last = name
    return names


def copies(name, inside):
    """Whether it is a copy or move constructor or assignment, which mean what they always mean."""
    return inside is not None and (name.name == "operator=" or name.name == inside.name and re.search(
        rf"\(\s*(const )?{inside.name}\s*&&?\s*\w*\s*\)", name.declaration))


def follows(name, other):
    """Whether nothing stands between two declarations, so that they share the comment above the first."""
    return other.line - other.declaration.count("\n") <= name.end + 1


# ---- HTML


def coloured(code):
    return highlight(code, CppLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n")


class Reference:
    def __init__(self, headers, found):
        self.headers, self.found = headers, found
        self.address = {}
        for header, names in found.items():
            for name in names:
                if not name.shared or name.name not in self.address:
                    self.address.setdefault(name.name, f"{self.page(header)}#{name.anchor}")

    @staticmethod
    def page(header):
        return f"api/{header}.html"

    def text(self, comment, page):
        """A comment as HTML."""
        out, paragraph, fixed = [], [], []

        def inline(text):
            parts = re.split(r"(`[^`]+`)", text)
            for k, part in enumerate(parts):
                if k % 2:
                    word = part[1:-1]
                    code = f"<code>{escape(word)}</code>"
                    target = self.address.get(word.removesuffix("()").removesuffix("{}"))
                    parts[k] = f'<a href="{relative(target, page)}">{code}</a>' if target else code
                else:
                    parts[k] = re.sub(r"\b[A-Z][A-Za-z0-9]{3,}\b", lambda match: (
                        f'<a href="{relative(self.address[match[0]], page)}">{match[0]}</a>' if match[0] in self.address and
                        match[0] not in ("Cell", "Layer", "Loss", "Index", "Model", "State", "Tape", "Stream", "Random", "Metric",
                                         "Parameter", "Training", "Sequence", "Schedule", "History") else match[0]), escape(part))
            text = "".join(parts)
            return re.sub(r"(the concept )(\w+)", lambda match: match[1] + (
                f'<a href="{relative(self.address[match[2]], page)}">{match[2]}</a>' if match[2] in self.address else match[2]), text)

        def flush():
            if paragraph:
                out.append("<p>" + inline(" ".join(paragraph)) + "</p>")
                paragraph.clear()
            while fixed and not fixed[-1]:
                fixed.pop()
            if fixed:
                margin = min(len(line) - len(line.lstrip()) for line in fixed if line)
                code = "\n".join(line[margin:] for line in fixed)
                out.append('<pre class="said" tabindex="0">' + (coloured(code) if margin >= 4 else escape(code)) + "</pre>")
                fixed.clear()

        for line in comment.split("\n"):
            aligned = line.startswith("  ") or re.match(r"(forward|backward|shapes|gates|where) {2,}", line)
            if aligned:
                if paragraph:
                    flush()
                fixed.append(line.rstrip())
            elif not line.strip():
                if fixed:
                    fixed.append("")
                else:
                    flush()
            else:
                if fixed:
                    flush()
                paragraph.append(line.strip())
        flush()
        return "".join(out)

    def group(self, names, page, level):
        """Names that share a comment, as one entry."""
        out, k = [], 0
        while k < len(names):
            n = k + 1
            while n < len(names) and names[n].shared:
                n += 1
            group = names[k:n]
            first = group[0]
            anchors = "".join(f'<span id="{name.anchor}"></span>' for name in group)
            declared = "\n".join(coloured(text) for text in dict.fromkeys(name.declaration for name in group))
            source = relative(f"source/include/carousel/{first.header}.html#line-{first.line}", page)
            body = f'<pre class="declared" tabindex="0"><code>{declared}</code></pre>{self.text(first.comment, page)}'
            heading = f'<h{level} id="name-{first.anchor}">{escape(first.name)} <a class="source" href="{source}" aria-label="source of {escape(first.name)}">{first.kind}</a></h{level}>'
            members = "".join(f'<div class="members">{self.group(name.members, page, level + 1)}</div>' for name in group if name.members)
            out.append(f'<section class="name level{level}">{anchors}{heading if level == 2 else ""}{body}{members}</section>')
            k = n
        return "".join(out)

    def header_page(self, header):
        page = self.page(header)
        names = self.found.get(header, [])
        introduction = "\n".join(self.headers[header].introduction)
        body = (f'<h1 class="path">{escape(header)}</h1><pre class="declared"><code>{coloured(f"#include <carousel/{header}>")}</code></pre>'
                f'{self.text(introduction, page)}{self.group(names, page, 2)}')
        contents = "".join(f'<li><a href="#{name.anchor}">{escape(name.name)}</a></li>' for name in names if not name.shared)
        return page, body, f'<div class="toc"><ul>{contents}</ul></div>' if contents else ""

    def index(self, rooms):
        page = "api/index.html"
        body = ["<h1>Reference</h1><p>Every public name, by room and header. <code>#include &lt;carousel/carousel.hpp&gt;</code> brings all "
                "but the opt-in headers of <code>io/</code>, <code>mpi/</code> and <code>plot/</code>, and tables, dates and splits of <code>data/</code>. A comment says what isn't in the declaration: shapes, units, what is "
                "thrown, the source.</p>"]
        for room, says in rooms:
            headers = [header for header in sorted(self.found) if header.split("/")[0] == room and self.found[header]]
            if not headers:
                continue
            body.append(f'<h2 id="{room}">{room}/</h2><p>{escape(says)}</p><div class="wide"><table class="names">')
            for header in headers:
                names = ", ".join(f'<a href="{relative(self.page(header) + "#" + name.anchor, page)}"><code>{escape(name.name)}</code></a>'
                                  for name in self.found[header] if not name.shared)
                body.append(f'<tr><td><a href="{relative(self.page(header), page)}">{escape(header.split("/", 1)[1])}</a></td><td>{names}</td></tr>')
            body.append("</table></div>")
        return page, "".join(body)

    def entries(self):
        """(title, kind, address, text) of every name, for the search."""
        def walk(names, prefix, header):
            for name in names:
                yield (prefix + name.name, name.kind, f"{self.page(header)}#{name.anchor}", re.sub(r"\s+", " ", name.comment)[:300])
                yield from walk(name.members, name.name + "::", header)
        for header, names in self.found.items():
            yield (header, "header", self.page(header), re.sub(r"\s+", " ", " ".join(self.headers[header].introduction))[:400])
            yield from walk(names, "", header)
