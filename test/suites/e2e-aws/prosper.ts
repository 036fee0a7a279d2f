/** The operator's commands on the deployed pool. */

import { join } from "node:path";
import * as v from "valibot";
import { expect } from "vitest";
import { firstLine, jsonLine } from "../../../infra/emulator/process.ts";
import { roleName } from "../../../shared/db/roles.ts";
import { type DeployedPool, PATHS } from "./deployed-pool.ts";

const PROSPER = join(import.meta.dirname, "../../../infra/cli/main.ts");

/** What a command prints as JSON, with a database of the cluster; the rights of an edge where that is enough. */
export async function prosper(
  { cloud, dataDir }: DeployedPool,
  database: string,
  ...args: string[]
): Promise<unknown> {
  const url = new URL(cloud.databaseUrl);
  url.pathname = `/${database}`;
  if (args[0] === "audit") url.searchParams.set("options", `-c role=${roleName("edge")}`);
  const { program, value } = await firstLine(
    {
      name: `prosper ${args[0]}`,
      command: process.execPath,
      args: [PROSPER, ...args],
      env: {
        ...{ PATH: PATHS.path, HOME: PATHS.home, DATABASE_URL: url.href },
        PROSPER_DATA_DIR: join(dataDir, "operator"),
      },
    },
    jsonLine(v.looseObject({})),
    60_000,
  );
  expect(await program.ended, program.tail()).toBe(0);
  return value;
}
