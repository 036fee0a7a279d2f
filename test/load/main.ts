/** `npm run test:load [-- NAME …]`: the programs of this folder one after the other, each in a process of its own; exit code 1 when one of them missed its bar. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROGRAMS = ["reconnects", "stuck-readers", "flooders", "invites", "guesses", "silent-visitors"];
const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !PROGRAMS.includes(name));
if (unknown !== undefined) {
  console.error(`there is no load program ${unknown}: choose from ${PROGRAMS.join(", ")}`);
  process.exit(2);
}
const missed: string[] = [];
for (const name of chosen.length === 0 ? PROGRAMS : chosen) {
  console.log(`\n== ${name}`);
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: "inherit" });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) missed.push(name);
}
console.log(missed.length === 0 ? "\nevery bar was met" : `\nmissed: ${missed.join(", ")}`);
process.exitCode = missed.length === 0 ? 0 : 1;
