"""The pages made of Markdown and of source files that they link to."""
import html
import os
import re
import subprocess

import markdown
from markdown.treeprocessors import Treeprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

from layout import escape, relative


class Failure(Exception):
    pass


def coloured(code, language):
    try:
        lexer = get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        lexer = None
    if lexer is None:
        return f'<pre tabindex="0"><code>{escape(code)}</code></pre>'
    return f'<pre tabindex="0"><code>{highlight(code, lexer, HtmlFormatter(nowrap=True))}</code></pre>'


def slug(text, _separator=None):
    """GitHub's anchors, which the pages' links are written for."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")


def picture_of(mermaid):
    """Mermaid's `flowchart TD` of names and arrows, drawn by Graphviz."""
    edges = []
    lines = mermaid.strip().splitlines()
    if not lines or not lines[0].startswith("flowchart"):
        raise Failure(f"a Mermaid picture begins with '{lines[0] if lines else ''}', only flowchart can be drawn")
    for line in lines[1:]:
        groups = [[name.strip() for name in group.split("&")] for group in line.split("-->")]
        for left, right in zip(groups, groups[1:]):
            edges += [(a, b) for a in left for b in right]
    for name in {name for edge in edges for name in edge}:
        if not re.fullmatch(r"[\w. ]+", name):
            raise Failure(f"a Mermaid picture has the node '{name}', only plain names can be drawn")
    dot = ("digraph { bgcolor=transparent; rankdir=TB; nodesep=0.35; ranksep=0.4;"
           'node [shape=box, style=rounded, fontname="sans-serif", fontsize=13, height=0.35, color="#808080", fontcolor="#010101"];'
           'edge [color="#808080", arrowsize=0.7];' + "".join(f'"{a}" -> "{b}";' for a, b in edges) + "}")
    svg = subprocess.run(["dot", "-Tsvg"], input=dot, text=True, capture_output=True, check=True).stdout
    svg = re.sub(r"<title>[^<]*</title>", "", svg[svg.index("<svg"):]).replace('fill="#010101"', 'fill="currentColor"')
    return f'<figure class="drawn">{re.sub("<!--.*?-->", "", svg, flags=re.S)}</figure>'


FENCE = re.compile(r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=fence) *$", re.S | re.M)


class Pages:
    """Turns the repository's Markdown files into pages, and notes what these link to."""

    def __init__(self, root, out):
        self.root, self.out = root, out
        self.page_of = {}  # source file -> page
        self.linked = set()  # source files that pages link to
        self.images = set()

    def add(self, source, page):
        self.page_of[source] = page

    def resolve(self, link, source, page):
        """Where a link of a Markdown file leads on the site."""
        if re.match(r"[a-z]+:|//", link) or link.startswith("#"):
            return link
        path, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(source), path)).replace(os.sep, "/")
        anchor = "#" + anchor if anchor else ""
        if target in self.page_of:
            return relative(self.page_of[target] + anchor, page)
        if not os.path.isfile(os.path.join(self.root, target)):
            raise Failure(f"{source}: the link {link} leads to no file")
        if re.search(r"\.(png|svg|gif|jpg)$", target):
            self.images.add(target)
            return relative(target, page)
        self.linked.add(target)
        return relative(f"source/{target}.html", page)

    def render(self, source, page):
        """(title, HTML, contents, sections) of a Markdown file; a section is (heading, anchor, text) for the search."""
        with open(os.path.join(self.root, source), encoding="utf-8") as file:
            text = file.read()
        blocks = []

        def keep(match):
            info = match["info"].split()
            code = match["code"]
            if info[:1] == ["mermaid"]:
                blocks.append(picture_of(code))
            else:
                blocks.append(coloured(code, info[0] if info else ""))
            return f"\n\nBLOCK{len(blocks) - 1}KCOLB\n\n"

        text = FENCE.sub(keep, text)
        # GitHub needs no blank line before a list; Python-Markdown does.
        text = re.sub(r"^(?![ \t]*(?:[-*]|\d+\.) )(.*\S.*)\n(?=[-*] |\d+\. )", r"\1\n\n", text, flags=re.M)
        text = re.sub(r"^( {2,3})(?=\S)", "    ", text, flags=re.M)
        pages = self

        class Links(Treeprocessor):
            def run(self, tree):
                for element in tree.iter():
                    for name in ("href", "src"):
                        if element.get(name):
                            element.set(name, pages.resolve(element.get(name), source, page))
                    if element.tag == "img":
                        element.set("loading", "lazy")

        converter = markdown.Markdown(extensions=["tables", "toc", "sane_lists"],
                                      extension_configs={"toc": {"slugify": slug, "toc_depth": "2-3"}})
        converter.treeprocessors.register(Links(converter), "links", 0)
        body = converter.convert(text)
        body = re.sub(r"<p>BLOCK(\d+)KCOLB</p>", lambda match: blocks[int(match[1])], body)
        if "KCOLB" in body:
            raise Failure(f"{source}: a block of code within a list or a table")
        body = body.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
        title = re.search(r"<h1[^>]*>(.*?)</h1>", body, re.S)
        if not title:
            raise Failure(f"{source} has no heading of the first order")
        contents = converter.toc if len(converter.toc_tokens) and "<li" in converter.toc else ""
        sections = []
        for piece in re.split(r"(?=<h[123] id=)", body):
            heading = re.match(r'<h[123] id="([^"]*)">(.*?)</h', piece, re.S)
            if heading:
                sections.append((plain(heading[2]), heading[1], plain(piece[heading.end() + 2:])))
        return plain(title[1]), body, contents, sections

    def render_source(self, source):
        """(title, HTML) of a source file."""
        with open(os.path.join(self.root, source), encoding="utf-8", errors="replace") as file:
            code = file.read()
        try:
            lexer = get_lexer_for_filename(source, stripnl=False)
        except ClassNotFound:
            lexer = get_lexer_by_name("text", stripnl=False)
        lines = highlight(code, lexer, HtmlFormatter(nowrap=True)).split("\n")
        lines = "\n".join(f'<span class="line" id="line-{k}">{line}</span>' for k, line in enumerate(lines, 1))
        return source, f'<h1 class="path">{escape(source)}</h1><pre class="file" tabindex="0"><code>{lines}</code></pre>'


def plain(markup):
    """The text of some HTML, for titles and the search."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", markup))).strip()
