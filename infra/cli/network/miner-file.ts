/** The miner's configuration file as `--write-config` makes it: every setting with its help, those that hold now with their values. */

import { writeFileSync } from "node:fs";
import { hostAndPort } from "../../../edge/stratum/listen-on.ts";
import { CodedError } from "../../../shared/errors.ts";
import { whyUnwritten } from "../../durable-file.ts";
import { type MinerSettings, poolUrlOf, ROWS } from "./miner-settings.ts";

/** TOML text; with it and no flags these settings hold again. */
export function minerFile(settings: MinerSettings): string {
  const { account, http, pools, plain, ...rest } = settings;
  const [first] = pools;
  const held: Readonly<Record<keyof typeof ROWS, string | number | boolean | undefined>> = {
    ...rest,
    ...{ user: first.user, worker: first.worker },
    http: http === undefined ? undefined : hostAndPort(http.host, http.port),
    plain: plain ? true : undefined,
    account: account?.href,
  };
  const lines = [
    "# prosper-miner --settings THIS-FILE. Flags and the environment win over it (docs/miner.md).",
  ];
  for (const [name, row] of Object.entries(ROWS)) {
    const value = held[name as keyof typeof ROWS];
    const text = `${name.toLowerCase()} = ${JSON.stringify(value ?? row.example)}`;
    lines.push("", `# ${row.help}`, value === undefined ? `# ${text}` : text);
  }
  lines.push(
    "",
    "# Mined on in this order: the next one while those before are away. Each may have a user and a worker of its own.",
  );
  for (const pool of pools) {
    lines.push("[[pools]]", `url = ${JSON.stringify(poolUrlOf(pool))}`);
    for (const name of ["user", "worker"] as const)
      if (pool[name] !== first[name]) lines.push(`${name} = ${JSON.stringify(pool[name])}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Readable to its owner only: it may hold tokens. Throws CodedError `config` where it exists already, unless it is to be replaced. */
export function writeMinerFile(file: string, text: string, { replace = false } = {}): void {
  try {
    writeFileSync(file, text, { flag: replace ? "w" : "wx", mode: 0o600 });
  } catch (cause) {
    throw new CodedError("config", `${file} ${whyUnwritten(cause)}`, { cause });
  }
}
