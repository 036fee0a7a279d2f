// Ends this process with the npm that started it. npm runs a command in a shell, and neither tells the command of its own death:
// a killed `npm start` or `npx prosper up` would leave the pool behind, holding its folder. Plain JavaScript, like prosper.mjs.
import { readFileSync } from "node:fs";

const CHECK_MS = 200;

/** Does nothing where no npm is above. */
export function followNpm() {
  if (process.env.npm_command === undefined) return;
  const parent = process.ppid;
  const npm = parentOf(parent);
  const timer = setInterval(() => {
    // The shell has ended, by npm's word or with it: stop in good order. npm alone has ended: it was killed, and so is this.
    if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
    else if (parentOf(parent) !== npm) process.kill(process.pid, "SIGKILL");
    else return;
    clearInterval(timer);
  }, CHECK_MS);
  timer.unref();
}

/** The parent of a process, on Linux; elsewhere undefined, always. */
function parentOf(pid) {
  try {
    // The name in brackets may hold anything, brackets too.
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) \S /s, "")
      .split(" ")[0];
  } catch {
    return undefined;
  }
}
