/** As much of Secrets Manager as functions and edges use, on a loopback port: versions by their stages. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as v from "valibot";

export type SecretVersions = Readonly<Partial<Record<"AWSCURRENT" | "AWSPREVIOUS", string>>>;

export interface SecretsStub {
  readonly url: string;
  /** What was asked for, in order: name and stage. */
  readonly asked: readonly string[];
  /** Another value of the same secret. */
  put(name: string, versions: SecretVersions): void;
  close(): Promise<void>;
}

const request = v.object({
  SecretId: v.string(),
  VersionStage: v.optional(v.picklist(["AWSCURRENT", "AWSPREVIOUS"]), "AWSCURRENT"),
});

export async function startSecrets(initial: Readonly<Record<string, SecretVersions>>): Promise<SecretsStub> {
  const secrets = new Map(Object.entries(initial));
  const asked: string[] = [];
  const server = createServer(async (incoming, response) => {
    const { SecretId, VersionStage } = v.parse(request, JSON.parse(await text(incoming)));
    asked.push(`${SecretId} ${VersionStage}`);
    const found = secrets.get(SecretId)?.[VersionStage];
    const body = found === undefined ? { __type: "ResourceNotFoundException" } : { SecretString: found };
    response
      .writeHead(found === undefined ? 400 : 200, { "content-type": "application/x-amz-json-1.1" })
      .end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address of its own.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    put: (name, versions) => void secrets.set(name, versions),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
