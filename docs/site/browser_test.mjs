// Opens the manual in a headless Chromium as its reader would: node browser_test.mjs SITE [PICTURES], with playwright-core where node
// finds it (npm install playwright-core in the folder that it is run from). It searches, follows a hit, switches light and dark, reads
// on a phone, trains the live page's net, and fails at any error in the console. Both from files and from a server.
import {createRequire} from "node:module";
import {createServer} from "node:http";
import {readFile, readdir} from "node:fs/promises";
import {existsSync, mkdirSync} from "node:fs";
import {extname, join, resolve} from "node:path";
import {pathToFileURL} from "node:url";
import {tryLivePage, tryLivePageOfFiles} from "./live_page_test.mjs";

const require = createRequire(join(process.cwd(), "package.json"));
const {chromium} = require("playwright-core");
const site = resolve(process.argv[2]), pictures = process.argv[3];
const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
if (pictures) mkdirSync(pictures, {recursive: true});

const expect = (truth, what) => { if (!truth) throw new Error(what); };
const types = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"};
const server = createServer(async (request, answer) => {
    try {
        const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
        const bytes = await readFile(join(site, path.endsWith("/") ? path + "index.html" : path));
        answer.writeHead(200, {"Content-Type": types[extname(path)] ?? "text/html"}).end(bytes);
    } catch { answer.writeHead(404).end(); }
});
await new Promise(done => server.listen(0, "127.0.0.1", done));

const browser = await chromium.launch({executablePath, args: ["--no-sandbox"]});
const errors = [];
const open = async options => {
    const page = await (await browser.newContext(options)).newPage();
    page.on("console", message => { if (message.type() === "error" || message.type() === "warning") errors.push(`${page.url()}: ${message.text()}`); });
    page.on("pageerror", error => errors.push(`${page.url()}: ${error}`));
    page.on("requestfailed", request => { // but for pictures and the worker that a page was still loading when it was left
        const left = request.failure()?.errorText === "net::ERR_ABORTED" && (request.resourceType() === "image" || request.url().startsWith("blob:"));
        if (!left) errors.push(`${page.url()}: ${request.url()} failed (${request.failure()?.errorText})`);
    });
    page.on("response", response => { if (response.status() >= 400) errors.push(`${page.url()}: ${response.url()} is ${response.status()}`); });
    return page;
};
const picture = async (page, name) => { if (pictures) await page.screenshot({path: join(pictures, name + ".png")}); };
// Pictures are loaded as one scrolls to them: brings those of the whole page, and tells which can't be shown.
const brokenPictures = page => page.evaluate(async () => {
    const images = [...document.images];
    for (const image of images) image.loading = "eager";
    const late = new Promise((_, fail) => setTimeout(fail, 20000));
    const shown = await Promise.allSettled(images.map(image => Promise.race([image.decode(), late])));
    return images.filter((_, i) => shown[i].status === "rejected").map(image => image.src);
});
const background = page => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

let live = "";
try {
    for (const [kind, address] of [["files", pathToFileURL(site).href], ["server", `http://127.0.0.1:${server.address().port}`]]) {
        const page = await open({viewport: {width: 1280, height: 860}, colorScheme: "light"});
        await page.goto(address + "/index.html");
        expect((await page.title()).includes("Carousel"), "the first page's title");
        await picture(page, `${kind}-light`);
        await page.keyboard.press("/");
        await page.keyboard.type("peephole");
        await page.waitForSelector("#hits a");
        await picture(page, `${kind}-search`);
        const hits = await page.$$eval("#hits a", links => links.map(link => link.textContent));
        expect(hits.length >= 3, `a search for peephole finds ${hits.length} places`);
        expect(hits.some(hit => /LstmCell::peephole/.test(hit)), "a search for peephole finds LstmCell::peephole");
        await page.click("#hits a:has-text('LstmCell::peephole')");
        await page.waitForURL(/lstm\.hpp\.html/);
        expect(/peephole/.test(await page.textContent("main")), "the page of a hit has the word");
        const anchor = decodeURIComponent(new URL(page.url()).hash.slice(1));
        const top = await page.evaluate(id => document.getElementById(id).getBoundingClientRect().top, anchor);
        expect(top >= 0 && top < 860, `the hit is on the screen (at ${top})`);
        await picture(page, `${kind}-hit`);

        const light = await background(page);
        await page.click("#theme");
        expect(await background(page) !== light, "the switch changes the colours");
        await page.reload();
        expect(await background(page) !== light, "the choice outlives a reload");
        await page.close();

        const dark = await open({viewport: {width: 1280, height: 860}, colorScheme: "dark"});
        await dark.goto(address + "/architecture.html");
        expect(await background(dark) !== light, "a system that is dark gets a dark page");
        expect(await dark.$$eval("main svg", drawn => drawn.length > 0 && drawn[0].getBoundingClientRect().height > 100), "the picture of the rooms shows");
        await picture(dark, `${kind}-dark`);
        await dark.close();

        const tried = kind === "files" ? tryLivePageOfFiles : tryLivePage;
        live = await tried(open, address, expect, picture);
    }

    const phone = await open({viewport: {width: 375, height: 760}, isMobile: true, hasTouch: true});
    const folders = ["", "guides", "api", "api/layer", "api/stream", "api/io"].filter(folder => existsSync(join(site, folder)));
    let count = 0;
    for (const folder of folders)
        for (const name of (await readdir(join(site, folder))).filter(name => name.endsWith(".html"))) {
            await phone.goto(pathToFileURL(join(site, folder, name)).href);
            const width = await phone.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth));
            expect(width <= 375, `${folder}/${name} is ${width} pixels wide on a phone of 375`);
            const broken = await brokenPictures(phone);
            expect(broken.length === 0, `${folder}/${name} has pictures that don't show: ${broken.join(", ")}`);
            ++count;
        }
    await phone.goto(pathToFileURL(join(site, "index.html")).href);
    await picture(phone, "phone");
    await phone.click("#menu");
    expect(await phone.isVisible("nav#contents"), "the contents open on a phone");
    await picture(phone, "phone-contents");
    expect(errors.length === 0, "the console has errors:\n" + errors.join("\n"));
    console.log(`the manual works in ${browser.version()}: search, both themes, ${count} pages on a phone, no errors in the console; live page: ${live}`);
} catch (error) {
    console.error(`browser_test: ${error.message}`);
    if (errors.length) console.error(errors.join("\n"));
    process.exitCode = 1;
} finally {
    await browser.close();
    server.close();
}
