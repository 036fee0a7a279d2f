import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { CONTAINER, edgeConfig } from "../../../infra/aws/edge-settings.ts";
import { readLocal } from "../../../infra/aws/local-app.ts";
import { checkPrices, readContext, stageOf } from "../../../infra/aws/stage-context.ts";
import { type PriceSettings, STAGES, type Stage } from "../../../infra/aws/stages.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { COINBASE, CONTEXT } from "../../support/aws/stage-templates.ts";

const read = (given: Record<string, unknown>) => readContext((key) => given[key]);

describe("the context", () => {
  it("names dev where it says nothing", () => {
    expect(read({}).stage).toBe("dev");
  });

  it.each([
    [{ stage: "production" }, "context stage: expected try, dev, small, prod, large or local"],
    [
      { coinbase: `${COINBASE.slice(0, -1)}x` },
      "context coinbase: expected an FA… address with a valid checksum",
    ],
    [{ factomd: "factomd" }, "context factomd: expected an address like http://host:8088/v2"],
    [
      { certificateArn: "arn:aws:acm:eu-west-1:1:certificate/1" },
      "context certificateArn: expected a certificate in us-east-1",
    ],
    [{ stratumDomain: "mine example" }, "context stratumDomain: expected a name like mine.example.com"],
    [{ originVersion: "2" }, "context originVersion: expected the VersionId that put-secret-value printed"],
    [{ alarmEmail: "me" }, "context alarmEmail: expected an e-mail address"],
    [{ mailFrom: "pool" }, "context mailFrom: expected an e-mail address"],
    [{ roots: "yes" }, "context roots: expected on or off"],
  ])("refuses %o and names the key", (given, message) => {
    expect(() => read(given)).toThrow(message);
  });

  it("is asked for what a pool cannot do without, before anything is built", () => {
    expect(() => stageOf("prod", { ...CONTEXT, factomd: undefined })).toThrow(
      "stage prod has no factomd: pass -c factomd=http://HOST:8088/v2, or set pool.factomd in infra/aws/stages.ts",
    );
    expect(() => stageOf("dev", { ...CONTEXT, coinbase: undefined })).toThrow("stage dev has no coinbase");
    expect(() => stageOf("dev", { ...CONTEXT, domain: "pool.example.org" })).toThrow(
      "expected both or neither",
    );
  });

  it("is asked for somebody to mail where money is at stake", () => {
    expect(() => stageOf("prod", { ...CONTEXT, alarmEmail: undefined })).toThrow(
      "stage prod is for real money and has no alarmEmail",
    );
    expect(stageOf("dev", { ...CONTEXT, alarmEmail: undefined }).alarms.email).toBeUndefined();
  });

  it("is not needed for what the price poller would refuse at its start: that is refused before anything is built", () => {
    const dev: Stage = { ...STAGES.dev, name: "dev" };
    const check = (prices: Partial<PriceSettings>) => () =>
      checkPrices({ ...dev, prices: { ...dev.prices, ...prices } });
    const keyed = { priorities: { fixedusd: 0, coincap: 1 }, single: ["*"] };

    expect(check(keyed)).toThrow(
      'stage dev: the price source coincap needs a key: put it into the secret prosper/dev/prices as JSON ({"coincapkey":"…"}), and set prices.hasKeys',
    );
    expect(check({ ...keyed, hasKeys: true })).not.toThrow();
    expect(check({ priorities: { fixedusd: 0, kraken: 1 } })).toThrow(
      "one source of its own is not enough for a price",
    );
    expect(check({ single: ["EURO"] })).toThrow("polling.singlesource: there is no asset EURO");
    for (const stage of Object.values(STAGES)) expect(() => checkPrices(stage)).not.toThrow();
  });

  it("is asked for the name that miners connect by where a certificate must have it", () => {
    expect(() => stageOf("prod", { ...CONTEXT, stratumDomain: undefined })).toThrow(
      "stage prod has TLS and no stratumDomain",
    );
    expect(stageOf("prod", CONTEXT).edge.stratumDomain).toBe("mine.example.org");
    expect(stageOf("dev", { ...CONTEXT, stratumDomain: undefined }).edge.stratumDomain).toBeUndefined();
  });

  it("takes a devnet's feed in place of the real sources", () => {
    const { prices } = stageOf("dev", { ...CONTEXT, devnetFeed: "http://devnet.example:8090" });
    expect(prices).toMatchObject({
      priorities: { fixedusd: 0, devnet: 1 },
      urls: { devnet: "http://devnet.example:8090" },
    });
  });

  it("of an emulator must say where the processes beside it are", () => {
    expect(() => readLocal(() => undefined)).toThrow("context dataApi of stage local");
    const given: Record<string, string> = {
      dataApi: "http://127.0.0.1:1",
      priceFeed: "http://127.0.0.1:2",
      stratumPort: "3",
      blockSeconds: "5",
      lxrBits: "16",
      originSecret: "between-us",
      receiptSecret: "for-years",
    };
    expect(readLocal((key) => given[key])).toMatchObject({ stratumPort: 3, blockSeconds: 5 });
  });
});

describe("an edge's configuration", () => {
  it.each(["dev", "prod"] as const)("of %s is one that `prosper edge` takes", (name) => {
    const stage = stageOf(name, CONTEXT);
    const file = join(mkdtempSync(join(tmpdir(), "prosper-config-")), "prosper-pool.toml");
    writeFileSync(file, stringify(edgeConfig(stage)));
    const config = loadConfig(file, { required: true, overrides: [] });
    expect(config.app.datadir).toBe(CONTAINER.dataDir);
    expect(config.pegnet).toMatchObject({
      blockperiod: STAGES[name].pool.blockSeconds * 1000,
      lxrbits: STAGES[name].pool.lxrBits,
      startheight: STAGES[name].pool.startHeight,
    });
    expect(config.pool).toMatchObject({ oprcoinbase: COINBASE, opridentity: STAGES[name].pool.name });
    expect(config.stratum.maxconnections).toBe(STAGES[name].edge.maxConnections);
  });
});
