// The live page in a browser, for browser_test.mjs: it trains, is drawn on, goes on alone, is heard, and refuses what is no net.

const most = 400000; // bytes that the page may load in all

const opened = async (open, address, options) => {
    const page = await open({viewport: {width: 1280, height: 1000}, ...options});
    await page.goto(address + "/live.html");
    if (await page.$("#live") !== null) await page.waitForSelector("#live[data-ready=yes]", {timeout: 60000});
    return page;
};
const numbers = page => page.evaluate(() => document.getElementById("live").numbers);
const until = (page, test, what, given) => page.waitForFunction(test, given, {timeout: 120000}).catch(() => { throw new Error(`the live page: ${what}`); });
const epochs = (page, count) => until(page, least => document.getElementById("live").numbers.losses.length >= least, `${count} epochs are trained`, count);
const resting = page => until(page, () => document.getElementById("live-train").textContent === "Train" && document.getElementById("live-alone").textContent === "Go on alone", "all stops");

// From files, where it has no server: it trains there, too, in the dark and on a phone. open: a page with its errors noted; address: of
// the site's folder; picture: a page's, by a name.
export const tryLivePageOfFiles = async (open, address, expect, picture) => {
    const dark = await opened(open, address, {colorScheme: "dark"});
    if (await dark.$("#live") !== null) {
        await dark.click("#live-train");
        await epochs(dark, 12);
        await picture(dark, "live-dark");

        const phone = await opened(open, address, {viewport: {width: 375, height: 760}, isMobile: true, hasTouch: true});
        const before = (await numbers(phone)).series, canvas = phone.locator("#live-series");
        await canvas.scrollIntoViewIfNeeded();
        const area = await canvas.boundingBox();
        await phone.touchscreen.tap(area.x + area.width / 3, area.y + area.height * 0.1);
        expect((await numbers(phone)).series.some((value, t) => value !== before[t]), "a finger draws");
        await phone.evaluate(() => scrollTo(0, 0));
        await picture(phone, "live-phone");
        await phone.close();
    }
    await dark.close();
};

// From a server. Returns what it loads.
export const tryLivePage = async (open, address, expect, picture) => {
    const sizes = {};
    const page = await opened(async options => {
        const fresh = await open(options);
        fresh.on("response", async response => { // the worker's address has what live-engine.js brought
            if (!response.url().startsWith("blob:")) sizes[response.url().split("/").pop()] = (await response.body()).length;
        });
        return fresh;
    }, address, {colorScheme: "light"});
    if (await page.$("#live") === null) {
        expect(/setup\.sh live/.test(await page.textContent("main")), "the live page without a net says how to build one");
        await page.close();
        return "without a net";
    }
    const text = id => page.textContent("#live-" + id);
    const enter = async (id, value) => {
        await page.fill("#live-" + id, value);
        await page.press("#live-" + id, "Tab");
    };

    // It learns.
    expect(await text("weights") === "4385", `an LSTM of 32 units has ${await text("weights")} weights, expected 4385`);
    await page.click("#live-train");
    await epochs(page, 25);
    expect(await text("train") === "Pause", "the button pauses while it trains");
    await page.click("#live-train");
    await resting(page);
    const {losses, expected} = await numbers(page);
    expect(losses[0] > 0.05 && losses.at(-1) < 0.02, `the loss falls from ${losses[0]} to ${losses.at(-1)}, expected from above 0.05 to below 0.02`);
    expect(expected.length === 480 && expected.every(Number.isFinite), "the net says what it expects of 320 values and of 160 to come");
    await picture(page, "live-light");

    // It goes on alone, is heard, and draws on while it trains.
    await page.click("#live-alone");
    await page.click("#live-train");
    await page.selectOption("#live-sound", "net");
    await epochs(page, losses.length + 3);
    await until(page, () => document.getElementById("live").numbers.alone.length >= 300, "it goes on alone while it trains and is heard");
    const {alone} = await numbers(page);
    expect(alone.every(value => Math.abs(value) < 10) && Math.max(...alone) - Math.min(...alone) > 0.3, "what it makes alone is a wave");
    await picture(page, "live-alone");
    await page.selectOption("#live-sound", "");
    await page.click("#live-alone");
    await page.click("#live-train");
    await resting(page);

    // It is drawn on, by the mouse and by keys.
    const before = (await numbers(page)).series, area = await page.locator("#live-series").boundingBox();
    const at = (x, y) => [area.x + area.width * x, area.y + area.height * y];
    await page.mouse.move(...at(0.2, 0.5));
    await page.mouse.down();
    for (const [x, y] of [[0.23, 0.2], [0.26, 0.5], [0.29, 0.8], [0.32, 0.5]]) await page.mouse.move(...at(x, y), {steps: 6});
    await page.mouse.up();
    const drawn = (await numbers(page)).series;
    expect(drawn.length === 320 && drawn.slice(0, 95).every((value, t) => value === before[t]) && drawn.slice(155).every((value, t) => value === before[155 + t]), "a stroke leaves the rest of the wave");
    expect(drawn[110] > 0.6 && drawn[139] < -0.6, `a stroke is where the mouse was: ${drawn[110]}, ${drawn[139]}`);
    await page.click("#live-repeat");
    const repeated = (await numbers(page)).series, length = Array.from({length: 80}, (_, k) => k + 20).find(k => repeated.slice(k).every((value, t) => value === repeated[t]));
    expect(length > 50 && length < 70, `a stroke that is repeated has a period of ${length}`);
    await page.focus("#live-series");
    for (const key of ["ArrowRight", "ArrowRight", "ArrowUp"]) await page.keyboard.press(key);
    expect((await numbers(page)).series.some((value, t) => value !== repeated[t]), "the arrow keys draw");
    await page.click("#live-train");
    await epochs(page, (await numbers(page)).losses.length + 2);
    await page.click("#live-train");
    await resting(page);
    await picture(page, "live-drawn");

    // What is no net is refused by the library.
    await enter("units", "99");
    await page.waitForSelector("#live-error:not([hidden])");
    expect(await text("error") === "WaveLearner: units is 99, expected a whole number from 1 to 64", `99 units: ${await text("error")}`);
    await page.click("#live-train");
    await resting(page);
    expect(await text("train") === "Train" && await page.isVisible("#live-error"), "99 units don't train");
    await enter("units", "8");
    await page.waitForSelector("#live-error", {state: "hidden"});
    await enter("rate", "-1");
    await page.waitForSelector("#live-error:not([hidden])");
    expect(/learning rate is -1, expected/.test(await text("error")), `a rate of -1: ${await text("error")}`);
    await enter("rate", "0.02");
    await page.waitForSelector("#live-error", {state: "hidden"});
    for (const [cell, weights] of [["0", "89"], ["2", "257"]]) {
        await page.selectOption("#live-cell", cell);
        await until(page, count => document.getElementById("live-weights").textContent === count, `cell ${cell} of 8 units has ${weights} weights`, weights);
    }
    await page.close();

    const total = Object.values(sizes).reduce((a, b) => a + b, 0);
    const list = Object.entries(sizes).map(([name, bytes]) => `${name} ${bytes}`).join(", ");
    expect(total < most, `the live page loads ${total} bytes, expected fewer than ${most}: ${list}`);
    return `${total} bytes (${list})`;
};
