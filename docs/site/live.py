"""The live page: docs/live.md, with the panel, script and style of docs/live/ and the net that Emscripten compiled."""
import base64
import gzip
import os

from pages import Failure

SOURCE = "docs/live.md"
PLACE = '<div id="live"></div>'
WITHOUT = """<p><strong>This copy of the manual was built without Emscripten, so the net isn't here.</strong> On Debian or Ubuntu
<code>sh cmake/setup.sh live &amp;&amp; cmake --workflow --preset docs</code> builds it into <code>build/docs/live.html</code>.</p>"""


def read(root, name):
    with open(os.path.join(root, "docs", "live", name), encoding="utf-8") as file:
        return file.read()


def with_panel(root, body, engine):
    """The page with the panel in its place, or with what to do for it."""
    if body.count(PLACE) != 1:
        raise Failure(f"{SOURCE} has {body.count(PLACE)} times '{PLACE}', expected it once")
    return body.replace(PLACE, read(root, "panel.html") if engine else WITHOUT)


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
