/** The emulator of AWS's services that this suite asks by itself. */

import { homedir } from "node:os";
import { join } from "node:path";
import { type MiniStack, startMiniStack } from "../../../infra/emulator/ministack.ts";
import { systemClock } from "../../../shared/clock.ts";

/** Installed from PyPI once, by pip's own settings. */
export function startOwnMiniStack(): Promise<MiniStack> {
  const pipEnv = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      /^(PIP_|SSL_|HTTPS?_PROXY)/i.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
  return startMiniStack(
    {
      installDir: join(homedir(), ".cache", "prosper"),
      path: process.env["PATH"] ?? "",
      home: homedir(),
      pipEnv,
    },
    { clock: systemClock },
  );
}
