"""The live page: docs/live.md, with the panel, script and style of docs/live/ and the net that Emscripten compiled."""
import base64
import gzip
import os
import re

from pages import Failure

SOURCE = "docs/live.md"
PLACE = re.compile(r'<div id="live-place">.*?</div>', re.S)


def read(root, name):
    with open(os.path.join(root, "docs", "live", name), encoding="utf-8") as file:
        return file.read()


def with_panel(root, body, engine):
    """The page with the panel in the place of what is said without it."""
    if len(PLACE.findall(body)) != 1:
        raise Failure(f"{SOURCE} has {len(PLACE.findall(body))} times <div id=\"live-place\">, expected it once")
    return PLACE.sub(lambda _: read(root, "panel.html"), body) if engine else body


def files(root, engine):
    """(name, text) of what the panel loads; nothing without a net."""
    if not engine:
        return []
    with open(os.path.join(engine, "engine.js"), encoding="utf-8") as file:
        script = file.read()
    with open(os.path.join(engine, "engine.wasm"), "rb") as file:
        packed = gzip.compress(file.read(), mtime=0)
    text = f"function carouselEngine() {{\n{script}\nreturn carouselLive;\n}}\n" \
           f'carouselEngine.bytes = "{base64.b64encode(packed).decode()}";\n'
    return [("live-engine.js", text)] + [(name, read(root, name)) for name in ("live.js", "live.css")]
