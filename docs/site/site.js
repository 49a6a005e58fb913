// The manual's switch between light and dark, its contents on a phone, and its search, which needs no server.
(() => {
    "use strict";
    const root = document.currentScript.dataset.root;
    const byId = id => document.getElementById(id);

    byId("theme").addEventListener("click", () => {
        const dark = document.documentElement.dataset.theme
            ? document.documentElement.dataset.theme === "dark"
            : matchMedia("(prefers-color-scheme: dark)").matches;
        const theme = dark ? "light" : "dark";
        document.documentElement.dataset.theme = theme;
        try { localStorage.setItem("theme", theme); } catch (e) { /* a page of a file may have no storage */ }
    });

    byId("menu").addEventListener("click", () => {
        const open = byId("contents").classList.toggle("open");
        byId("menu").setAttribute("aria-expanded", open);
    });
    byId("contents").addEventListener("click", event => {
        if (event.target.tagName === "A") byId("contents").classList.remove("open");
    });

    const field = byId("search"), hits = byId("hits");
    let loaded = null, chosen = -1;
    const load = () => loaded ??= new Promise((done, failed) => { // a script and not a fetch, which files can't do
        const script = document.createElement("script");
        script.src = root + "search.js";
        script.onload = () => done(window.searchEntries.map(([title, kind, url, text]) =>
            ({title, kind, url, text, lowTitle: title.toLowerCase(), lowText: text.toLowerCase()})));
        script.onerror = failed;
        document.head.append(script);
    });

    // How well an entry fits the words: the name itself, a word's beginning in the title, anywhere in it, in the text; 0 if one word is nowhere.
    const score = (entry, words) => {
        let sum = 0;
        for (const word of words) {
            const name = entry.lowTitle.split("::").pop();
            const at = entry.lowTitle.indexOf(word);
            if (name === word || entry.lowTitle === word) sum += 100;
            else if (at >= 0 && (at === 0 || !/[a-z0-9]/.test(entry.lowTitle[at - 1]))) sum += entry.kind === "page" ? 45 : 40;
            else if (at >= 0) sum += 20;
            else {
                const times = entry.lowText.split(word).length - 1;
                if (times === 0) return 0;
                sum += Math.min(times, 5) * (entry.kind === "page" ? 4 : 3);
            }
        }
        return sum + 10 / (10 + entry.title.length);
    };

    const marked = (text, words) => {
        const span = document.createElement("span");
        const pattern = new RegExp("(" + words.map(w => w.replace(/[^\p{L}\p{N}]/gu, "\\$&")).join("|") + ")", "giu");
        text.split(pattern).forEach((part, k) => {
            if (k % 2) {
                const mark = document.createElement("mark");
                mark.textContent = part;
                span.append(mark);
            } else span.append(part);
        });
        return span;
    };

    const show = entries => {
        const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
        hits.replaceChildren();
        chosen = -1;
        hits.hidden = words.length === 0;
        if (hits.hidden) return;
        const best = entries.map(entry => [score(entry, words), entry]).filter(([s]) => s > 0)
            .sort((a, b) => b[0] - a[0]).slice(0, 24);
        if (best.length === 0) {
            const none = document.createElement("p");
            none.textContent = "Nothing is found.";
            hits.append(none);
        }
        for (const [, entry] of best) {
            const item = document.createElement("li"), link = document.createElement("a"), kind = document.createElement("span");
            link.href = root + entry.url;
            kind.className = "kind";
            kind.textContent = entry.kind;
            link.append(kind, marked(entry.title, words));
            const at = entry.lowText.indexOf(words[0]);
            if (at >= 0) {
                const from = Math.max(0, at - 40);
                const around = marked((from ? "…" : "") + entry.text.slice(from, at + 90) + "…", words);
                around.className = "words";
                link.append(around);
            }
            item.append(link);
            hits.append(item);
        }
    };

    field.addEventListener("focus", load, {once: true});
    field.addEventListener("input", () => load().then(show));
    field.addEventListener("keydown", event => {
        const links = [...hits.querySelectorAll("a")];
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            chosen = Math.max(0, Math.min(links.length - 1, chosen + (event.key === "ArrowDown" ? 1 : -1)));
            links.forEach((link, k) => link.classList.toggle("chosen", k === chosen));
            links[chosen]?.scrollIntoView({block: "nearest"});
            event.preventDefault();
        } else if (event.key === "Enter" && links.length > 0) {
            links[Math.max(chosen, 0)].click();
        } else if (event.key === "Escape") {
            field.value = "";
            hits.hidden = true;
        }
    });
    hits.addEventListener("click", () => { hits.hidden = true; });
    document.addEventListener("keydown", event => {
        if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
            event.preventDefault();
            field.focus();
        }
    });
    document.addEventListener("click", event => { if (!event.target.closest(".search")) hits.hidden = true; });
})();
