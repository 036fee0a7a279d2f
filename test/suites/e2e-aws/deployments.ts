/**
 * Further deployments of the control stack as CloudFormation does them: the migrate function with other migration files, then the custom resource
 * that calls it. What is deployed is the template that `cdk deploy` has written.
 */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { runProgram } from "../../../infra/emulator/process.ts";
import { until } from "../../support/until.ts";
import type { EmulatorClient } from "./emulator-client.ts";

const STACK = "Prosper-local-control";
const BUCKET = "cdk-hnb659fds-assets-000000000000-us-east-1";

const template = v.looseObject({
  Resources: v.record(
    v.string(),
    v.looseObject({ Type: v.string(), Properties: v.optional(v.record(v.string(), v.unknown()), {}) }),
  ),
});

export class Deployments {
  readonly #folder: string;
  readonly #client: EmulatorClient;
  #number = 0;

  /** `folder`: what cdk wrote (`cdk.out`). */
  constructor(folder: string, client: EmulatorClient) {
    this.#folder = folder;
    this.#client = client;
  }

  /** As CloudFormation was told it. */
  template(): v.InferOutput<typeof template> {
    const text = readFileSync(join(this.#folder, `${STACK}.template.json`), "utf8");
    return v.parse(template, JSON.parse(text));
  }

  /** Deploys with what `change` leaves of the folder with the migration files; the status that the stack has at the end. */
  async deploy(change: (migrations: string) => void): Promise<string> {
    this.#number += 1;
    const next = this.template();
    const find = (fits: (type: string, properties: Record<string, unknown>) => boolean) => {
      const found = Object.values(next.Resources).find(({ Type, Properties }) => fits(Type, Properties));
      if (found === undefined) throw new Error("the template has no such resource");
      return found.Properties;
    };
    const migrate = find((_type, { FunctionName }) => FunctionName === "prosper-local-migrate");
    migrate["Code"] = { S3Bucket: BUCKET, S3Key: await this.#upload(change) };
    find((type) => type === "Custom::DatabaseSchema")["schema"] = `deployment ${this.#number}`;
    const url = await this.#client.put(BUCKET, `template-${this.#number}.json`, JSON.stringify(next));
    await this.#client.cloudFormation("UpdateStack", {
      ...{ StackName: STACK, TemplateURL: url },
      "Capabilities.member.1": "CAPABILITY_NAMED_IAM",
    });
    return until(
      "the end of the deployment",
      async () => {
        const said = await this.#client.cloudFormation("DescribeStacks", { StackName: STACK });
        const status = /<StackStatus>(\w+)</.exec(said)?.[1] ?? "";
        return /_(COMPLETE|FAILED)$/.test(status) && status;
      },
      { withinMs: 60_000, everyMs: 200 },
    );
  }

  /** The migrate function's bundle, changed and packed. */
  async #upload(change: (migrations: string) => void): Promise<string> {
    const asset = readdirSync(this.#folder).find((name) =>
      existsSync(join(this.#folder, name, "migrations")),
    );
    if (asset === undefined) throw new Error("cdk has written no bundle with migrations");
    const work = mkdtempSync(join(tmpdir(), "prosper-deployment-"));
    try {
      const bundle = join(work, "bundle");
      cpSync(join(this.#folder, asset), bundle, { recursive: true });
      change(join(bundle, "migrations"));
      const zip = join(work, "bundle.zip");
      await runProgram({
        name: "python3 -m zipfile",
        command: "python3",
        args: ["-m", "zipfile", "-c", zip, ...readdirSync(bundle)],
        cwd: bundle,
        env: { PATH: process.env["PATH"] ?? "" },
      });
      const key = `migrate-${this.#number}.zip`;
      await this.#client.put(BUCKET, key, Uint8Array.from(readFileSync(zip)));
      return key;
    } finally {
      rmSync(work, { recursive: true });
    }
  }
}
