// Opens 'my alerts' in a real browser, says so, and waits for an alert that is raised while it is open: it must appear without a reload.
//
//   DUBAN_URL=… DUBAN_LOGIN=… DUBAN_PASSWORD=… LIMIT_MS=… node live.mjs
//
// Writes `open` to standard output once the page listens; whoever started it has the alert raised then.
// Exit code 1: no alert appeared, or the page was loaded anew; 3: no browser starts here.
import { start } from "./start.mjs";

const { DUBAN_URL: base, DUBAN_LOGIN: login, DUBAN_PASSWORD: password } = process.env;
const timeout = Number(process.env.LIMIT_MS ?? 120000);
const browser = await start();
let wrong = 0;
const say = (text) => { console.error(text); wrong += 1; };
const context = await browser.newContext({ locale: "zh-CN" });
const page = await context.newPage();
page.setDefaultTimeout(timeout);
page.on("pageerror", (error) => say(`script error: ${error}`));

await page.goto(base + "/login?next=/alerts");
await page.fill("#login", login);
await page.fill("#password", password);
// The line of live updates stands when its head has come.
const line = page.waitForResponse((answer) => new URL(answer.url()).pathname === "/v1/events");
await page.click("main button[type=submit]");
if ((await line).status() !== 200) say(`live updates: ${(await line).status()}`);
await page.waitForSelector("[data-live]", { state: "attached" });
let loads = 0;
page.on("framenavigated", () => { loads += 1; });
await page.evaluate(() => { window.sameAsBefore = true; });
const before = await page.locator("[data-live] article").count();
const title = await page.title();
console.log("open");

try {
  await page.locator("#live button").waitFor({ state: "visible" });
  if (!/^\(\d+\) /.test(await page.title())) say(`the title does not count: ${await page.title()}`);
  const announced = await page.locator("#live button").innerText();
  if (!/\d/.test(announced)) say(`the announcement does not count: ${announced}`);
  await page.click("#live button");
  await page.locator("[data-live] article").nth(before).waitFor({ state: "visible" });
  if (!(await page.locator("[data-live] article form button").count())) say("the new alert has no button to acknowledge it");
  if (await page.locator("#live").isVisible()) say("the announcement stays though all is shown");
  if ((await page.title()) !== title) say(`the title is now ${await page.title()}`);
  if (await page.locator("[data-live] > .sheet").count()) say("it is still said that nothing waits");
} catch (error) {
  say(`no alert appeared: ${error.message.split("\n")[0]}`);
}
if (loads > 0 || !(await page.evaluate(() => window.sameAsBefore === true))) say("the page was loaded anew");
await browser.close();
process.exit(wrong ? 1 : 0);
