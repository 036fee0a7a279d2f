/** The OpenAPI document in the hands of others: a client that a public generator makes of it, and schemathesis, which sends what the document allows and what it forbids. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EVIL, FIRST_HEIGHT, PASSWORD } from "../../support/api.ts";
import { isRunnable } from "../../support/optional-suite.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { installPython, type Python } from "./python.ts";
import { type ServedApi, serveApi } from "./served-api.ts";

const python = await installPython();
const canRun = isRunnable("test:api", "missing" in python ? python.missing : undefined);
const NEWEST = FIRST_HEIGHT + 11;

describe.skipIf(!canRun)("the API's document", () => {
  const folder = temporaryFolder();
  let served: ServedApi;
  let run: Python;
  beforeAll(async () => {
    served = await serveApi();
    if ("run" in python) run = python.run;
  });
  afterAll(() => served.stop());

  it("makes a client by openapi-python-client that reads the pool, logs in, and goes on by a token", async () => {
    writeFileSync(join(folder, "config.yml"), "package_name_override: pool_client\npost_hooks: []\n");
    const options = { cwd: folder, ms: 60_000 };
    const document = await (await fetch(`${served.url}/api/openapi.json`)).text();
    writeFileSync(join(folder, "openapi.json"), document);
    const generated = await run(
      "openapi-python-client",
      [
        ...["generate", "--path", "openapi.json", "--config", "config.yml"],
        ...["--meta", "none", "--output-path", "pool_client", "--fail-on-warning"],
      ],
      options,
    );
    expect(generated, generated.output).toMatchObject({ code: 0 });

    const script = join(import.meta.dirname, "use_client.py");
    const used = await run("python", [script, served.url, "ann", PASSWORD], {
      ...options,
      env: { PYTHONPATH: folder },
    });

    expect(used, used.output).toMatchObject({ code: 0 });
    const said = JSON.parse(used.output);
    expect(said).toMatchObject({
      pool: "Prosper Pool",
      heights: [NEWEST, NEWEST - 1, NEWEST - 2, NEWEST - 3],
      nothing: [404, "no-block"],
      wrong: [401, "refused"],
      me: "ann",
      workers: [EVIL, "rig"],
      // The open block first.
      mine: [NEWEST + 1, NEWEST, NEWEST - 1],
    });
    expect(BigInt(said.owed)).toBeGreaterThan(0n);
  });

  it.each([
    ["a visitor", undefined, "pool"],
    ["a user", "ann", "account"],
    ["an administrator", "boss", "operator"],
  ])("is kept by the pool, whatever schemathesis sends as %s", async (_, name, tag) => {
    const cookie = name === undefined ? [] : ["-H", `Cookie: ${await served.login(name)}`];
    const config = join(import.meta.dirname, "schemathesis.toml");
    const found = await run(
      "schemathesis",
      [
        "--config-file",
        config,
        "run",
        `${served.url}/api/openapi.json`,
        "--url",
        served.url,
        "--include-tag",
        tag,
        ...cookie,
      ],
      { cwd: folder, ms: 100_000 },
    );

    expect(found, found.output).toMatchObject({ code: 0 });
    expect(found.output).toMatch(/Operations:\s+\d+ selected/);
  });
});
