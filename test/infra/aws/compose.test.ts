import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MINISTACK_VERSION } from "../../../infra/emulator/ministack.ts";
import { creditAddress, factoidAddress } from "../../../infra/pool/key-addresses.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { resourcesOf, synthesiseLocal } from "../../support/aws/stage-templates.ts";

const compose = readFileSync(new URL("../../../localstack-compose.yml", import.meta.url), "utf8");

describe("localstack-compose.yml", () => {
  it("names the queue and the auth function that the local stage makes", () => {
    const template = synthesiseLocal();
    const queues = resourcesOf(template, "AWS::SQS::Queue").map(([, { Properties }]) => Properties.QueueName);
    const functions = resourcesOf(template, "AWS::Lambda::Function").map(
      ([, { Properties }]) => Properties.FunctionName,
    );
    const queue = /PROSPER_QUEUE_URL: \S+\/(\S+)/.exec(compose)?.[1];
    expect(queues).toContain(queue);
    expect(functions).toContain(/PROSPER_AUTH_FUNCTION: (\S+)/.exec(compose)?.[1]);
  });

  it("pays with the credits of its own worthless key", () => {
    const worthless = new Uint8Array(32).fill(1);
    const es = encodeAddress("Es", worthless);
    expect(compose).toContain(`PROSPER_ES_ADDRESS: ${es}\n`);
    expect(compose).toContain(`--ec=${creditAddress(es)}\n`);
    expect(compose).toContain(`oprcoinbase = "${factoidAddress(encodeAddress("Fs", worthless))}"`);
  });

  it("hands the engine's socket to nobody unless it is named", () => {
    const mounts = [...compose.matchAll(/^ *volumes: \["([^"]*)"\]/gm)].map(([, mount]) => mount);
    const sockets = mounts.filter((mount) => mount?.includes("docker.sock"));
    expect(sockets).toHaveLength(1);
    expect(sockets[0]).toMatch(/^\$\{DOCKER_SOCK:-\/dev\/null\}:/);
  });

  it("starts the emulator's version that is tested, and opens no port to the world", () => {
    expect(compose).toContain(`:-ministackorg/ministack:${MINISTACK_VERSION}}`);
    const ports = [...compose.matchAll(/ports: \["([^"]+)"\]/g)].map(([, port]) => port);
    expect(ports).toHaveLength(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});
