import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../infra/config/load.ts";
import type { Config } from "../../../infra/config/schema.ts";
import { stratumShown } from "../../../infra/pool/pool-web.ts";

function configOf(stratum: Record<string, string | number>): Config {
  const overrides = Object.entries(stratum).map(([key, value]) => ({
    section: "stratum",
    key,
    value,
    from: "test",
  }));
  return loadConfig("no-file", { required: false, overrides });
}

describe("where the pages say that miners connect", () => {
  it("is where the pool's own edges listen, each port by itself", () => {
    const config = configOf({ stratumport: 0 });

    expect(stratumShown(config, { port: 1, tlsPort: undefined })).toEqual({ port: 1 });
    expect(stratumShown(config, { port: 1, tlsPort: 2 })).toEqual({ port: 1, tlsPort: 2 });
  });

  it("is the configured ports where the edge is another process, the one for TLS only with a certificate", () => {
    expect(stratumShown(configOf({}))).toEqual({ port: 1234 });
    expect(stratumShown(configOf({ tlscert: "c.pem", tlskey: "k.pem" }))).toEqual({
      port: 1234,
      tlsPort: 1235,
    });
  });

  it("has the name in the certificate where one is set", () => {
    expect(stratumShown(configOf({ domain: "mine.example.org" }))).toEqual({
      host: "mine.example.org",
      port: 1234,
    });
  });
});
