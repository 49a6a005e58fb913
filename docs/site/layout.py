"""The frame of every page: the bar with the search field, the contents, and what is escaped."""
import html
import os

def escape(text):
    return html.escape(text, quote=True)


def relative(target, page):
    """The address of one file of the site as another page links to it."""
    path, _, anchor = target.partition("#")
    link = os.path.relpath(path, os.path.dirname(page) or ".") if path else ""
    return link.replace(os.sep, "/") + ("#" + anchor if anchor else "")


def navigation(groups, page):
    parts = []
    for title, entries in groups:
        here = any(target == page for _, target in entries)
        links = "".join(
            f'<li><a href="{relative(target, page)}"{" aria-current=page" if target == page else ""}>{escape(name)}</a></li>'
            for name, target in entries)
        parts.append(f'<details{" open" if here or title in ("Start", "Guides", "Manual") else ""}>'
                     f'<summary>{escape(title)}</summary><ul>{links}</ul></details>')
    return "".join(parts)


def frame(title, body, page, groups, contents=""):
    up = relative("x", page)[:-1]  # "", "../" or "../../"
    return f"""<!DOCTYPE html>
<html lang="{'ja' if page.endswith('.ja.html') else 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} – Carousel</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{up}style.css">
<script>try {{ const theme = localStorage.getItem("theme"); if (theme) document.documentElement.dataset.theme = theme; }} catch (e) {{}}</script>
<script defer src="{up}site.js" data-root="{up}"></script>
</head>
<body>
<header class="bar">
<button id="menu" aria-label="Contents" aria-expanded="false">☰</button>
<a class="brand" href="{up}index.html">Carousel</a>
<div class="search"><input id="search" type="search" placeholder="Search ( / )" aria-label="Search" autocomplete="off"><ul id="hits" hidden></ul></div>
<button id="theme" aria-label="Light or dark">◐</button>
</header>
<div class="columns">
<nav id="contents" aria-label="Contents">{navigation(groups, page)}</nav>
<main>
{body}
</main>
<aside>{contents}</aside>
</div>
</body>
</html>
"""
