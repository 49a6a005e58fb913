#!/usr/bin/env python3
"""Checks every link, picture, script and anchor within a folder of HTML: check_links.py SITE. Links to other sites aren't followed."""
import os
import sys
from html.parser import HTMLParser
from urllib.parse import unquote


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.twice, self.links = set(), set(), []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                (self.twice if value in self.ids else self.ids).add(value)
            elif name in ("href", "src") and value:
                self.links.append((self.getpos()[0], value))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    site = sys.argv[1]
    pages = {}
    for folder, _, files in os.walk(site):
        for name in files:
            path = os.path.normpath(os.path.join(folder, name))
            pages[path] = None
            if name.endswith(".html"):
                pages[path] = Page()
                with open(path, encoding="utf-8") as file:
                    pages[path].feed(file.read())
    wrong, count = [], 0
    for path, page in pages.items():
        if page is None:
            continue
        wrong += [f"{path}: two elements have the id {name}" for name in page.twice]
        for line, link in page.links:
            if ":" in link.split("/")[0] or link.startswith("//"):
                continue
            count += 1
            target, _, anchor = link.partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(path), unquote(target))) if target else path
            if target not in pages:
                wrong.append(f"{path}:{line}: {link} leads to no file")
            elif anchor and pages[target] and unquote(anchor) not in pages[target].ids:
                wrong.append(f"{path}:{line}: {link} leads to a page without that anchor")
    print("\n".join(wrong[:50]))
    if wrong or count == 0:
        sys.exit(f"{len(wrong)} of {count} links and ids are wrong")
    print(f"{count} links of {sum(page is not None for page in pages.values())} pages lead somewhere")


if __name__ == "__main__":
    main()
