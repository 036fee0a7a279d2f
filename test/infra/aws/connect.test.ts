/** The commands that a stage's page prints, dialled against an edge's listeners with that stage's settings behind the stage's balancer. */

import { mkdtempSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { stringify } from "smol-toml";
import * as v from "valibot";
import { afterEach, describe, expect, it } from "vitest";
import { type Listening, listenStratum } from "../../../edge/stratum/listener.ts";
import { connectView } from "../../../functions/api/figures/connect.ts";
import { optionsOf } from "../../../functions/api/options.ts";
import { ENVIRONMENTS } from "../../../functions/environment.ts";
import { edgeConfig } from "../../../infra/aws/edge-settings.ts";
import { stageOf } from "../../../infra/aws/stage-context.ts";
import { STAGES, type StageName } from "../../../infra/aws/stages.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { containerSettings } from "../../../infra/container/settings.ts";
import { stratumOptions } from "../../../infra/pool/stratum-settings.ts";
import {
  allOf,
  CONTEXT,
  resourcesOf,
  type StageTemplates,
  synthesise,
} from "../../support/aws/stage-templates.ts";
import { RawClient } from "../../support/raw-client.ts";
import { call, startHarness } from "../../support/stratum/harness.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";

const BALANCER = "prosper-123.elb.us-east-1.amazonaws.com";
/** The certificate is for this name. */
const DOMAIN = "pool.test";
const open: Listening[] = [];
const clients: RawClient[] = [];
afterEach(() => {
  for (const listening of open.splice(0)) listening.stop();
  for (const client of clients.splice(0)) client.destroy();
});

const hasTls = (name: StageName): boolean => STAGES[name].edge.hasTls;

const known = new Map<StageName, StageTemplates>();
/** Made once: it takes a second. */
function templatesOf(name: StageName): StageTemplates {
  const made = known.get(name) ?? synthesise(name, { stratumDomain: hasTls(name) ? DOMAIN : undefined });
  known.set(name, made);
  return made;
}

/** What the page prints: the api's variables are the template's, with the balancer's name in the place of the reference to it. */
function printed(name: StageName): ReturnType<typeof connectView> {
  const { control } = templatesOf(name);
  const [api] = resourcesOf(control, "AWS::Lambda::Function").filter(([, { Properties }]) =>
    Properties.FunctionName.endsWith("-api"),
  );
  const variables = Object.entries<unknown>(api?.[1].Properties.Environment.Variables).map(([key, value]) => [
    key,
    typeof value === "string" ? value : key === "STRATUM_HOST" ? BALANCER : "reference",
  ]);
  return connectView(
    optionsOf(v.parse(ENVIRONMENTS.api, Object.fromEntries(variables))),
    { host: "pages.example.org", isSecure: true },
    "prosper-miner-0.tgz",
  );
}

/** An edge's listeners by the ports of the container; each really listens on a free one. */
async function listen(name: StageName): Promise<ReadonlyMap<number, Listening>> {
  const stage = stageOf(name, CONTEXT);
  const folder = mkdtempSync(join(tmpdir(), "prosper-connect-"));
  const tls = stage.edge.hasTls ? { STRATUM_TLS_CERT: TEST_CERT, STRATUM_TLS_KEY: TEST_KEY } : {};
  const { files, configFile } = containerSettings(
    { PROSPER_CONFIG: stringify(edgeConfig(stage)), ...tls },
    folder,
  );
  for (const { path, text } of files) writeFileSync(path, text);
  const { server } = startHarness();
  const options = stratumOptions(loadConfig(configFile, { required: true }));
  const listeners = new Map<number, Listening>();
  for (const one of [options.listen, options.listenTls]) {
    if (one === undefined) continue;
    const listening = await listenStratum({ ...one, host: "127.0.0.1", port: 0 }, server);
    open.push(listening);
    listeners.set(one.port, listening);
  }
  return listeners;
}

/** The port of the container that the balancer's port leads to. */
function behind(name: StageName): ReadonlyMap<number, number> {
  const templates = templatesOf(name);
  const targets = new Map(
    allOf(templates, "AWS::ElasticLoadBalancingV2::TargetGroup").map(([id, { Properties }]) => [
      id,
      Properties.Port,
    ]),
  );
  return new Map(
    allOf(templates, "AWS::ElasticLoadBalancingV2::Listener").map(([, { Properties }]) => [
      Properties.Port,
      targets.get(Properties.DefaultActions[0].TargetGroupArn.Ref),
    ]),
  );
}

interface Printed {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** Our miner's `--host HOST:PORT [--tls]`, or the Go miner's `-s HOST:PORT`, which speaks no TLS. */
function addressIn(command: string): Printed {
  const [, host = "", port] = /(?:--host|-s) ([a-z0-9.-]+):(\d+)(?= )/.exec(command) ?? [];
  return { host, port: Number(port), tls: /(^| )--tls( |$)/.test(command) };
}

/** As a miner does: the certificate must have the name of the command. */
function dial({ host, tls }: Printed, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const at = { host: "127.0.0.1", port };
    const socket = tls ? connectTls({ ...at, servername: host, ca: TEST_CERT }) : connect(at);
    socket.once("error", reject);
    socket.once(tls ? "secureConnect" : "connect", () => resolve(socket));
  });
}

describe.each(["try", "dev", "small", "prod", "large"] as const)(
  "every command on the page of %s",
  (name) => {
    it("connects, and is answered, by the edges of that stage", async () => {
      const [page, listeners, balancer] = [printed(name), await listen(name), behind(name)];
      expect(page.commands).toHaveLength(6);
      const shown = [
        ...page.commands.map(({ command }) => ({ command, address: addressIn(command) })),
        { command: page.stratum, address: addressIn(`-s ${page.stratum} `) },
        ...(page.stratumTls === null
          ? []
          : [{ command: page.stratumTls, address: addressIn(`-s ${page.stratumTls} --tls`) }]),
      ];
      for (const { command, address } of shown) {
        const listening = listeners.get(balancer.get(address.port) ?? 0);
        expect(listening, `${command}: nobody listens there`).toBeDefined();
        const client = new RawClient(await dial(address, listening?.port ?? 0));
        clients.push(client);
        client.send(call(1, "mining.subscribe", "x"));
        await client.fence();
        expect(client.lines.join(""), command).toContain('"id":1,');
        expect(client.closed, command).toBe(false);
      }
    });

    it("names the host that its miners know", () => {
      const host = hasTls(name) ? DOMAIN : BALANCER;
      for (const { command } of printed(name).commands) expect(addressIn(command).host).toBe(host);
      expect(printed(name).stratumTls === null).toBe(!hasTls(name));
    });
  },
);
