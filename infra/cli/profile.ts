/** `--profile`: a CPU profile of the command's main thread, for the performance tab of a browser or of an editor. */

import { writeFileSync } from "node:fs";
import { Session } from "node:inspector";

/** Profiles from now on, and writes `file` when the process exits, also by an error or a second Ctrl-C. */
export function profileUntilExit(file: string): void {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.start");
  process.on("exit", () => {
    // Within one thread the answer comes before the call returns.
    session.post("Profiler.stop", (error, answer) => {
      if (error !== null) {
        process.stderr.write(`prosper: no CPU profile: ${error.message}\n`);
        return;
      }
      writeFileSync(file, JSON.stringify(answer.profile));
      process.stderr.write(`CPU profile: ${file}\n`);
    });
  });
}
