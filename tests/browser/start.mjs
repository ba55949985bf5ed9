// Starts a real browser: Chromium from CHROMIUM, /usr/bin/chromium or /usr/bin/google-chrome; else the one that comes as a package with its
// libraries. Where none starts the process ends with exit code 3.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

async function launch() {
  const installed = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
  const args = ["--no-sandbox", "--disable-background-networking"];
  if (installed) return chromium.launch({ executablePath: installed, args });
  // The package brings its shared libraries along and lays them out where it believes to be on this platform.
  process.env.AWS_EXECUTION_ENV ??= "AWS_Lambda_nodejs22.x";
  const { default: packaged } = await import("@sparticuz/chromium");
  return chromium.launch({ executablePath: await packaged.executablePath(), args: [...args, "--no-zygote", "--headless"] });
}

export async function start() {
  return launch().catch((error) => {
    console.error(`SKIPPED: no Chromium starts on this machine, the pages were not looked at: ${error.message.split("\n")[0]}`);
    process.exit(3);
  });
}
