/** Can the pool listen where it should, and does it while it runs? */

import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import { localHost } from "../../edge/stratum/listen-on.ts";
import { CodedError } from "../../shared/errors.ts";
import { type Check, type Finding, ok, red, skipped } from "./finding.ts";

const CONNECT_MS = 3_000;

export const ports: Check = {
  name: "ports",
  async look({ config, dataDir, isDevnet }) {
    const { stratum, web } = config;
    const wanted = [
      { name: "stratum", host: stratum.host, port: stratum.stratumport, setting: "stratum.stratumport" },
      { name: "web", host: web.host, port: web.port, setting: "web.port" },
      ...(stratum.tlscert === ""
        ? []
        : [
            {
              name: "stratum over TLS",
              host: stratum.host,
              port: stratum.tlsport,
              setting: "stratum.tlsport",
            },
          ]),
    ];
    const isRunning = runs(join(dataDir, "edge"));
    const findings: Finding[] = [];
    for (const one of wanted) {
      const where = `${one.name} port ${one.port}`;
      if (one.port === 0) findings.push(skipped(`${one.name}: a free port is picked at each start`));
      else if (isRunning && (await answers(one.host, one.port))) findings.push(ok(`${where} answers`));
      else if (isRunning && isDevnet)
        findings.push(skipped(`${where} does not answer: its flags may name another`));
      else if (isRunning)
        findings.push(
          red(
            `the pool runs, but nobody answers at its ${where}`,
            `Is the pool still starting? Else stop and start it, and read its log; another port is ${one.setting}`,
          ),
        );
      else
        findings.push(
          (await isFree(one.host, one.port)) ? ok(`${where} is free`) : taken(where, one.setting),
        );
    }
    return findings;
  },
};

function taken(where: string, setting: string): Finding {
  return red(
    `the pool does not run, and another program has its ${where}`,
    `Stop that program, or set ${setting} to another port`,
  );
}

/** Whether a process has the folder's lock. A folder that was never used is not made. */
function runs(folder: string): boolean {
  if (!existsSync(join(folder, "lock"))) return false;
  try {
    lockFolder(folder).release();
    return false;
  } catch (thrown) {
    if (thrown instanceof CodedError && thrown.code === "folder-in-use") return true;
    throw thrown;
  }
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host: localHost(host), port, timeout: CONNECT_MS });
  try {
    return await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "timeout").then(() => false),
    ]);
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
