// Ends this process when the npm that started it ends. npm runs a command in a shell, and neither tells the command when it is killed:
// a killed `npm start` or `npx prosper up` would leave the pool running, with its folder locked. Plain JavaScript, like prosper.mjs.
import { readFileSync } from "node:fs";

const CHECK_MS = 200;

/** Does nothing when no npm started this process. */
export function followNpm() {
  if (process.env.npm_command === undefined) return;
  const parent = process.ppid;
  const npm = parentOf(parent);
  const timer = setInterval(() => {
    // The shell has ended, on npm's order or together with npm: stop in good order. Only npm has ended: it was killed, so kill this too.
    if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
    else if (parentOf(parent) !== npm) process.kill(process.pid, "SIGKILL");
    else return;
    clearInterval(timer);
  }, CHECK_MS);
  timer.unref();
}

/** The parent of a process on Linux; always undefined elsewhere. */
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
