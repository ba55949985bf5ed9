// Opens every page in a real browser, takes screenshots, and holds it against the accessibility rules.
//
//   source .duban/env && node tests/browser/look.mjs [FOLDER]
//
// Chromium is taken from CHROMIUM, /usr/bin/chromium or /usr/bin/google-chrome; else the one that comes as a package with its libraries.
// LOOK=quick opens each page once a language (Chinese in the light, English in the dark) instead of twice.
// Exit code 1: a page has violations or did not open; 3: no browser starts here.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { start } from "./start.mjs";

const base = process.env.DUBAN_URL;
const folder = process.argv[2] ?? "target/pages";
if (!base) { console.error("DUBAN_URL is not set: run `source .duban/env` first"); process.exit(2); }

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quick = process.env.LOOK === "quick";
const widths = [390, 834, 1440];
const publicPages = ["/report", "/track", "/login"];
// The link of an alert's message, opened without a login.
const link = process.env.DUBAN_ALERT_LINK;
const managerPages = ["/alerts", "/alerts?state=all", "/duties", "/duties?state=breached", "/trials", "/cases", "/cases?state=closed", "/records", "/absences", "/policies", "/policies/packs", "/policies/packs/car-dealer-complaints"];
const operatorPages = ["/deliveries", "/dead", "/policies", "/policies/1", "/policies/2", "/rehearsals", "/rehearsals?version=2", "/administration"];

mkdirSync(folder, { recursive: true });
const browser = await start();
let wrong = 0;
const say = (text) => { console.error(text); wrong += 1; };

async function look(context, page, path, name, language, scheme) {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    const answer = await page.goto(base + path, { waitUntil: "load" });
    if (!answer || answer.status() >= 400) { say(`${path}: ${answer?.status()}`); return; }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 1) say(`${path} ${language} ${width}: ${wide} px wider than the screen`);
    await page.screenshot({ path: `${folder}/${name}-${language}-${width}-${scheme}.png`, fullPage: false });
  }
  // The page's own policy forbids inline script, so the checker goes in beside it and not through it.
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  for (const violation of result.violations) say(`${path} ${language} ${scheme}: ${violation.id}: ${violation.help} (${violation.nodes.slice(0, 3).map((n) => n.target.join(" ")).join("; ")})`);
}

async function logIn(page, name, password, language) {
  await page.goto(base + "/login");
  await page.fill("#login", name);
  await page.fill("#password", password);
  await Promise.all([page.waitForURL((url) => !url.pathname.startsWith("/login")), page.click("main button[type=submit]")]);
  // A person's own language comes before the browser's: the link asks for the other one.
  await page.goto(base + "/language/" + language + "?back=/");
  const spoken = await page.getAttribute("html", "lang");
  if (!spoken.startsWith(language)) say(`the page speaks ${spoken} after ${language} was asked for`);
}

// Where a list leads. A quick look is a test, which has furnished every list.
async function leading(page, list, start) {
  await page.goto(base + list);
  const href = await page.locator(`a[href^="${start}"]`).first().getAttribute("href", { timeout: 5000 }).catch(() => null);
  if (!href && quick) say(`${list}: nothing leads to ${start}…`);
  return href;
}

const nameOf = (path) => path.replace(/^\//, "").replace(/[^a-z0-9]+/gi, "-") || "start";

const views = [["zh", "light"], ["en", "dark"], ["zh", "dark"], ["en", "light"]].slice(0, quick ? 2 : 4);
for (const [language, scheme] of views) {
  const context = await browser.newContext({ colorScheme: scheme, locale: language === "zh" ? "zh-CN" : "en-GB", bypassCSP: true });
  const page = await context.newPage();
  page.on("pageerror", (error) => say(`script error: ${error}`));
  for (const path of publicPages) await look(context, page, path, nameOf(path), language, scheme);
  if (link) await look(context, page, new URL(link).pathname, "alert-link", language, scheme);
  if (process.env.DUBAN_LOGIN) {
    await logIn(page, process.env.DUBAN_LOGIN, process.env.DUBAN_PASSWORD, language);
    for (const path of managerPages) await look(context, page, path, nameOf(path), language, scheme);
    await page.goto(base + "/cases");
    const first = await page.locator("tbody a").first().getAttribute("href").catch(() => null);
    if (first) { await look(context, page, first, "case", language, scheme); await look(context, page, first + "/watchers", "watchers", language, scheme); }
    await page.goto(base + "/duties");
    const why = await page.locator('a[href^="/duties/"]').first().getAttribute("href").catch(() => null);
    if (why) await look(context, page, why, "why", language, scheme);
    const alert = await leading(page, "/alerts", "/alerts/");
    if (alert) await look(context, page, alert, "alert", language, scheme);
  }
  if (process.env.DUBAN_ADMIN_LOGIN) {
    await context.clearCookies();
    await logIn(page, process.env.DUBAN_ADMIN_LOGIN, process.env.DUBAN_ADMIN_PASSWORD, language);
    for (const path of operatorPages) await look(context, page, path, "operator-" + nameOf(path), language, scheme);
    const rejected = await leading(page, "/dead", "/rejected/");
    if (rejected) await look(context, page, rejected, "rejected", language, scheme);
    const rehearsal = await leading(page, "/rehearsals", "/rehearsals/");
    if (rehearsal) { await look(context, page, rehearsal, "rehearsal", language, scheme); await look(context, page, rehearsal + "?by=people", "rehearsal-people", language, scheme); }
  }
  await context.close();
}
await browser.close();
console.log(wrong ? `${wrong} things to mend; screenshots in ${folder}` : `every page is well; screenshots in ${folder}`);
process.exit(wrong ? 1 : 0);
