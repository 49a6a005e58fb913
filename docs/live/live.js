// The live page: draws the wave and what the net makes of it. The net is C++ (exports.cpp), compiled to WebAssembly, and runs in a
// worker, so that a long epoch doesn't hold up the page. live-engine.js has it: a function, carouselEngine, whose text becomes a part of
// the worker's program, as a worker from a file of its own would need a server; and its bytes, compressed by gzip, as base64.
(() => {
    "use strict";

    // The worker: answers each message by one, in turn.
    const work = () => {
        let engine = null, loaded = null, begun = {};
        const numbers = count => new Float32Array(engine.HEAPF32.buffer, engine._live_buffer(), count);
        const call = (name, ...given) => {
            const result = engine["_live_" + name](...given);
            if (Number.isNaN(result)) throw new Error(engine.UTF8ToString(engine._live_error()));
            return result;
        };
        const give = values => {
            if (values.length > engine._live_capacity()) throw new Error(`the wave has ${values.length} values`);
            numbers(values.length).set(values);
            return values.length;
        };
        const answers = {
            // A net of these settings, or the one that is there, with another learning rate.
            settings({cell, units, rate, seed, series}) {
                if (begun.cell === cell && begun.units === units && begun.seed === seed) {
                    call("learning_rate", rate);
                    return {};
                }
                const weights = call("begin", cell, units, rate, seed, give(series));
                begun = {cell, units, seed};
                return {weights};
            },
            series({series}) {
                call("series", give(series));
                return {};
            },
            epoch({ahead}) {
                const start = performance.now(), loss = call("epoch"), time = performance.now() - start;
                return {loss, time, expected: numbers(call("predict", ahead)).slice()};
            },
            listen({run}) {
                call("listen", run);
                return {};
            },
            alone({run, count}) {
                return {values: numbers(call("go_on", run, count)).slice()};
            },
        };
        const load = async bytes => {
            const packed = Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0));
            const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
            engine = await carouselEngine()({wasmBinary: await new Response(stream).arrayBuffer()});
        };
        self.onmessage = ({data: {bytes, what, given}}) => {
            if (bytes) loaded = load(bytes);
            else loaded.then(() => answers[what](given))
                .then(answer => self.postMessage({answer}), error => self.postMessage({error: error.message ?? String(error)}));
        };
    };
    const program = URL.createObjectURL(new Blob([`const carouselEngine = ${carouselEngine};\n(${work})();`], {type: "text/javascript"}));
    const worker = new Worker(program), waiting = [];
    worker.onmessage = ({data: {answer, error}}) => {
        const [done, failed] = waiting.shift();
        if (error === undefined) done(answer);
        else failed(new Error(error));
    };
    worker.onerror = event => {
        for (const [, failed] of waiting.splice(0)) failed(new Error(event.message || "the browser refuses to start the net's worker"));
    };
    worker.postMessage({bytes: carouselEngine.bytes});
    const ask = (what, given = {}) => new Promise((done, failed) => {
        waiting.push([done, failed]);
        worker.postMessage({what, given});
    });

    const byId = id => document.getElementById("live-" + id);
    const box = document.getElementById("live");
    const picture = byId("series"), chart = byId("loss");
    const known = 320, ahead = 160, shown = known + ahead; // values of the wave, and how far the net goes on

    // What the wave is, and would go on as; numbers of t.
    const cycle = (t, length) => (t % length + length) % length / length;
    const waves = {
        sine: t => 0.8 * Math.sin(2 * Math.PI * t / 40),
        tones: t => 0.5 * Math.sin(2 * Math.PI * t / 40) + 0.35 * Math.sin(2 * Math.PI * t / 16),
        saw: t => 1.5 * cycle(t, 32) - 0.75,
        square: t => cycle(t, 32) < 0.5 ? 0.7 : -0.7,
        swell: t => (0.5 + 0.4 * Math.sin(2 * Math.PI * t / 160)) * Math.sin(2 * Math.PI * t / 20),
        flat: () => 0,
    };
    let noise = 1;
    const random = () => { // Lehmer's generator, in (0, 1)
        noise = noise * 48271 % 2147483647;
        return noise / 2147483647;
    };
    const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());

    let truth = waves.sine;                 // how the wave goes on; null where nobody knows
    let series = new Float32Array(known);
    let expected = [];                      // of the last epoch: the series as the net expected it, and what it makes of the future
    let tail = [], after = known, from = 0; // of a run alone: its last values; where they begin; where the picture begins
    let losses = [], earlier = [];          // earlier trainings, to compare: {name, losses}
    let stroke = null, cursor = -1;         // the last stroke's first and last value; the keyboard's place
    let training = 0, alone = 0, begun = 0; // the numbers of the loops that train and go on, 0 if none does; how many were begun
    let seed = 1, named = "";
    const frame = () => new Promise(done => requestAnimationFrame(done));

    // --- Pictures ---

    const colour = name => getComputedStyle(box).getPropertyValue("--" + name).trim();
    const begin = canvas => { // a context in CSS pixels
        const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
        if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
            canvas.width = Math.round(width * scale);
            canvas.height = Math.round(height * scale);
        }
        const pen = canvas.getContext("2d");
        pen.setTransform(scale, 0, 0, scale, 0, 0);
        pen.clearRect(0, 0, width, height);
        pen.font = "12px system-ui, sans-serif";
        pen.lineJoin = "round";
        return [pen, width, height];
    };
    const line = (pen, count, place) => { // through place(k) for each k; a gap where it is null
        pen.beginPath();
        let drawn = false;
        for (let k = 0; k < count; ++k) {
            const at = place(k);
            if (at && drawn) pen.lineTo(...at);
            else if (at) pen.moveTo(...at);
            drawn = !!at;
        }
        pen.stroke();
    };

    const paintSeries = () => {
        const [pen, width, height] = begin(picture);
        const x = t => (t - from + 0.5) * width / shown, y = value => height * (0.5 - value / 2.6);
        const values = (list, first, style, wide, dash = []) => {
            pen.strokeStyle = style;
            pen.lineWidth = wide;
            pen.setLineDash(dash);
            line(pen, list.length, k => first + k >= from - 1 && first + k <= from + shown && Number.isFinite(list[k]) ? [x(first + k), y(list[k])] : null);
            pen.setLineDash([]);
        };
        pen.strokeStyle = colour("line");
        pen.lineWidth = 1;
        pen.beginPath();
        for (const level of [-1, 0, 1]) pen.moveTo(0, y(level)), pen.lineTo(width, y(level));
        pen.stroke();
        if (x(known) > 0) { // what the net isn't shown
            pen.globalAlpha = 0.07;
            pen.fillStyle = colour("alone");
            pen.fillRect(x(known), 0, width - x(known), height);
            pen.globalAlpha = 1;
        }
        pen.fillStyle = colour("quiet");
        if (x(known) > 60) pen.fillText("alone", x(known) + 8, 18);
        if (truth && from === 0) values(Array.from({length: ahead + 1}, (_, k) => truth(known - 1 + k)), known - 1, colour("series"), 1.5, [3, 4]);
        values(series, 0, colour("series"), 4);
        values(expected.slice(1, known), 1, colour("net"), 1.6);
        if (tail.length) values(tail, after, colour("alone"), 2);
        else values(expected.slice(known), known, colour("alone"), 2);
        if (cursor >= 0 && document.activeElement === picture) {
            pen.fillStyle = colour("text");
            pen.beginPath();
            pen.arc(x(cursor), y(series[cursor]), 5, 0, 7);
            pen.fill();
        }
    };

    const paintLosses = () => {
        const [pen, width, height] = begin(chart);
        const all = [losses, ...earlier.map(one => one.losses)], finite = all.flat().filter(loss => loss > 0);
        const top = Math.ceil(Math.log10(finite.reduce((a, b) => Math.max(a, b), 1)));
        const bottom = Math.min(top - 2, Math.floor(Math.log10(finite.reduce((a, b) => Math.min(a, b), 1))));
        const left = 46, right = 12, below = 22, above = 10;
        const most = Math.max(60, ...all.map(one => one.length));
        const x = k => left + k * (width - left - right) / (most - 1);
        const y = loss => above + (top - Math.log10(loss)) * (height - above - below) / (top - bottom);
        pen.strokeStyle = colour("line");
        pen.fillStyle = colour("quiet");
        pen.textAlign = "right";
        pen.lineWidth = 1;
        for (let power = bottom; power <= top; ++power) {
            pen.beginPath();
            pen.moveTo(left, y(10 ** power)), pen.lineTo(width - right, y(10 ** power));
            pen.stroke();
            if ((top - power) % Math.ceil((top - bottom) / 5) === 0) pen.fillText(power >= -3 ? String(10 ** power) : "1e" + power, left - 6, y(10 ** power) + 4);
        }
        pen.fillText(`epoch ${most}`, width - right, height - 6);
        pen.textAlign = "left";
        pen.fillText("loss", left + 6, above + 12);
        const curve = (list, style, wide) => {
            pen.strokeStyle = style;
            pen.lineWidth = wide;
            line(pen, list.length, k => list[k] > 0 ? [x(k), y(list[k])] : null);
        };
        for (const one of earlier) {
            pen.globalAlpha = 0.6;
            curve(one.losses, colour("quiet"), 1);
            pen.globalAlpha = 1;
            const last = one.losses.length - 1;
            pen.textAlign = x(last) > width - 100 ? "right" : "left";
            pen.fillText(one.name, x(last) + (pen.textAlign === "left" ? 5 : -5), y(one.losses[last]) - 5);
        }
        curve(losses, colour("net"), 2);
    };

    let due = false;
    const paint = () => {
        if (due) return;
        due = true;
        requestAnimationFrame(() => {
            due = false;
            paintSeries();
            paintLosses();
        });
    };

    // --- What is said ---

    const told = error => {
        byId("error").textContent = error ? error.message : "";
        byId("error").hidden = !error;
    };
    const say = text => { byId("said").textContent = text; };
    const short = value => value >= 1e-3 ? value.toPrecision(3) : value.toExponential(2);
    const label = () => {
        byId("train").textContent = training ? "Pause" : "Train";
        byId("alone").textContent = alone ? "Stop" : "Go on alone";
        byId("repeat").disabled = !stroke || stroke[1] - stroke[0] < 7;
    };

    // --- The net ---

    // Tells the worker the settings; true if it takes them.
    const settle = async () => {
        const given = {cell: Number(byId("cell").value), units: byId("units").valueAsNumber, rate: byId("rate").valueAsNumber, seed, series};
        try {
            const {weights} = await ask("settings", given);
            for (const id of ["units", "rate"]) byId(id).removeAttribute("aria-invalid");
            told(null);
            if (weights === undefined) return true;
            if (losses.length > 1) earlier = [{name: named, losses}, ...earlier].slice(0, 3);
            named = `${byId("cell").selectedOptions[0].text} ${given.units}`;
            losses = [], expected = [], tail = [], after = known, from = 0;
            byId("weights").textContent = weights;
            byId("epoch").textContent = 0;
            byId("loss-now").textContent = byId("time").textContent = "–";
            say("");
            paint();
            return true;
        } catch (error) {
            for (const id of ["units", "rate"]) byId(id).setAttribute("aria-invalid", error.message.includes(id));
            training = 0;
            label();
            told(error);
            return false;
        }
    };

    const train = async () => {
        if (training) {
            training = 0;
            label();
            return;
        }
        const mine = training = ++begun;
        label();
        try {
            if (!await settle()) return;
            say("learning");
            while (training === mine) {
                const {loss, time, expected: heard} = await ask("epoch", {ahead});
                losses.push(loss);
                expected = heard;
                if (!alone) tail = [], after = known, from = 0;
                byId("epoch").textContent = losses.length;
                byId("loss-now").textContent = short(loss);
                byId("time").textContent = time < 10 ? time.toFixed(1) : time.toFixed(0);
                paint();
                await frame(); // an epoch a picture, and none while nobody looks
            }
            if (!training) say(`paused after epoch ${losses.length}`);
        } catch (error) {
            told(error);
        } finally {
            if (training === mine) training = 0;
            label();
        }
    };

    const goOn = async () => {
        if (alone) {
            alone = 0;
            label();
            return;
        }
        const mine = alone = ++begun;
        label();
        try {
            await ask("listen", {run: 0});
            tail = [], after = known, from = 0;
            while (alone === mine) {
                const {values} = await ask("alone", {run: 0, count: 2});
                if (alone !== mine) break;
                tail.push(...values);
                after += tail.splice(0, Math.max(0, tail.length - shown)).length;
                from = Math.max(0, after + tail.length - shown);
                paint();
                await frame();
            }
        } catch (error) {
            told(error);
        } finally {
            if (alone === mine) alone = 0;
            label();
        }
    };

    // --- The wave ---

    let sending = null; // one message at a time, with the wave as it is then
    const changed = () => {
        alone = 0;
        tail = [], after = known, from = 0;
        paint();
        label();
        sending ??= new Promise(done => setTimeout(done, 60)).then(() => {
            sending = null;
            return ask("series", {series});
        }).catch(told);
    };
    const own = () => {
        truth = null;
        byId("wave").value = "own";
    };
    const choose = () => {
        const name = byId("wave").value;
        if (!waves[name]) return;
        truth = waves[name];
        noise = 1;
        stroke = null;
        series = Float32Array.from({length: known}, (_, t) => truth(t) + (name === "sine" ? 0.06 * normal() : 0));
        expected = [];
        changed();
    };
    const repeat = () => {
        if (!stroke) return;
        const [first, last] = stroke, one = series.slice(first, last + 1);
        truth = t => one[((t - first) % one.length + one.length) % one.length];
        series = Float32Array.from({length: known}, (_, t) => truth(t));
        byId("wave").value = "own";
        changed();
    };

    let last = null; // where the pointer was: [value's number, value]
    const place = event => {
        const area = picture.getBoundingClientRect();
        const t = Math.floor((event.clientX - area.left) / area.width * shown), v = (0.5 - (event.clientY - area.top) / area.height) * 2.6;
        return [Math.min(known - 1, Math.max(0, t)), Math.min(1.2, Math.max(-1.2, v))];
    };
    const draw = to => {
        const [t0, v0] = last, [t1, v1] = to, steps = Math.max(1, Math.abs(t1 - t0));
        for (let k = 0; k <= steps; ++k) series[Math.round(t0 + (t1 - t0) * k / steps)] = v0 + (v1 - v0) * k / steps;
        stroke = [Math.min(stroke[0], t1), Math.max(stroke[1], t1)];
        last = to;
        own();
        changed();
    };
    picture.addEventListener("pointerdown", event => {
        if (event.button !== 0) return;
        const scrolled = from > 0;
        alone = 0;
        tail = [], after = known, from = 0;
        paint();
        if (scrolled || event.offsetX / picture.clientWidth > known / shown) return; // back to the wave, which ends there
        picture.setPointerCapture(event.pointerId);
        last = place(event);
        stroke = [last[0], last[0]];
        cursor = -1;
        draw(last);
    });
    picture.addEventListener("pointermove", event => {
        if (!last) return;
        const events = event.getCoalescedEvents?.() ?? [];
        for (const one of events.length ? events : [event]) draw(place(one));
    });
    for (const name of ["pointerup", "pointercancel"]) picture.addEventListener(name, () => { last = null; });
    picture.addEventListener("keydown", event => {
        const step = {ArrowLeft: -4, ArrowRight: 4}[event.key], lift = {ArrowUp: 0.1, ArrowDown: -0.1}[event.key];
        if (!step && !lift) return;
        event.preventDefault();
        if (cursor < 0) cursor = known / 2;
        else if (step) cursor = Math.min(known - 1, Math.max(0, cursor + step));
        if (lift) { // a hill of 20 values
            for (let t = Math.max(0, cursor - 10); t <= Math.min(known - 1, cursor + 10); ++t)
                series[t] = Math.min(1.2, Math.max(-1.2, series[t] + lift * (0.5 + 0.5 * Math.cos(Math.PI * (t - cursor) / 10))));
            own();
            changed();
        }
        paint();
    });
    for (const name of ["focus", "blur"]) picture.addEventListener(name, paint);

    // --- The sound: 8,000 values a second ---

    let audio = null, sounding = 0; // which choice of the list is heard
    const sound = async () => {
        const mine = ++sounding, what = byId("sound").value;
        if (!what) {
            await audio?.suspend();
            return;
        }
        try {
            audio ??= new AudioContext();
            await audio.resume();
            const count = 1600, frames = Math.round(audio.sampleRate / 8000);
            let last = 0, t = 0, at = audio.currentTime + 0.1;
            if (what === "net") await ask("listen", {run: 1});
            while (mine === sounding) {
                const values = what === "net" ? (await ask("alone", {run: 1, count})).values : Float32Array.from({length: count}, (_, k) => series[(t + k) % known]);
                t += count;
                const buffer = audio.createBuffer(1, count * frames, audio.sampleRate), samples = buffer.getChannelData(0);
                for (let k = 0; k < count; last = values[k++])
                    for (let f = 0; f < frames; ++f) samples[k * frames + f] = 0.25 * (last + (values[k] - last) * (f + 1) / frames);
                const source = audio.createBufferSource();
                source.buffer = buffer;
                source.connect(audio.destination);
                at = Math.max(at, audio.currentTime + 0.02);
                source.start(at);
                at += buffer.duration;
                while (mine === sounding && at - audio.currentTime > 0.4) await new Promise(done => setTimeout(done, 40));
            }
        } catch (error) {
            told(error);
        }
    };

    // --- The page ---

    byId("train").addEventListener("click", train);
    byId("alone").addEventListener("click", goOn);
    byId("repeat").addEventListener("click", repeat);
    byId("anew").addEventListener("click", () => {
        ++seed;
        settle();
    });
    byId("wave").addEventListener("change", choose);
    byId("sound").addEventListener("change", sound);
    for (const id of ["cell", "units", "rate"]) byId(id).addEventListener("change", settle);
    byId("settings").addEventListener("submit", event => event.preventDefault());
    new ResizeObserver(paint).observe(box);
    new MutationObserver(paint).observe(document.documentElement, {attributes: true, attributeFilter: ["data-theme"]});
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    // For the console, and for the test of the page.
    Object.defineProperty(box, "numbers", {get: () => ({series: [...series], expected: [...expected], alone: [...tail], losses: [...losses]})});

    choose();
    settle().then(taken => {
        for (const id of ["train", "alone", "anew"]) byId(id).disabled = false;
        if (taken) box.dataset.ready = "yes";
    });
})();
