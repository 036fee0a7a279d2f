/** What the guide ships, by the programs that read it: nginx, Compose, systemd, Prometheus, the shell. */

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../infra/config/load.ts";
import { containerSettings } from "../../../infra/container/settings.ts";
import { edgeOptions } from "../../../infra/pool/pool-settings.ts";
import { guideBlocks } from "../../support/guide.ts";
import { isRunnable, whyNotInstalled } from "../../support/optional-suite.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SHIPPED = join(ROOT, "infra/standalone");
const PROGRAMS = {
  "nginx-light": "/usr/sbin/nginx",
  "docker-compose": "/usr/bin/docker-compose",
  prometheus: "/usr/bin/promtool",
  systemd: "/usr/bin/systemd-analyze",
  openssl: "/usr/bin/openssl",
  "gettext-base": "/usr/bin/envsubst",
};
const runnable = isRunnable(
  "test:guide",
  whyNotInstalled(Object.keys(PROGRAMS), () => Object.values(PROGRAMS).every((path) => existsSync(path))),
);
const folder = mkdtempSync(join(tmpdir(), "prosper-shipped-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a program says on standard output. Throws with what it says on standard error. */
function run(
  program: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  return execFileSync(program, args, {
    encoding: "utf8",
    stdio: "pipe",
    input: options.input ?? "",
    env: { ...process.env, ...options.env },
  });
}
const read = (name: string): string => readFileSync(join(SHIPPED, name), "utf8");

/** A changed copy of a shipped file is refused: the check can fail. */
function spoilt(name: string, from: string, to: string): string {
  const path = join(folder, name);
  const text = read(name);
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
  return path;
}

describe.runIf(runnable)("nginx", () => {
  const test = (template: string): string => {
    const text = run("envsubst", ["$DOMAIN $POOL"], {
      input: template.replaceAll("/etc/prosper/tls", folder),
      env: { DOMAIN: "pool.example.com", POOL: "127.0.0.1:7070" },
    });
    expect(text).not.toContain("${");
    writeFileSync(
      join(folder, "nginx.conf"),
      `pid ${folder}/nginx.pid; error_log ${folder}/error.log; events {} http { access_log off; ${text} }`,
    );
    return execFileSync("/usr/sbin/nginx", ["-t", "-c", join(folder, "nginx.conf")], {
      encoding: "utf8",
      stdio: "pipe",
    });
  };

  it("takes the configuration, and not one with a word that it does not know", () => {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    run("openssl", [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7", "-subj", "/CN=pool.example.com"],
      ...["-keyout", key, "-out", cert],
    ]);
    const template = read("nginx.conf.template");
    test(template);
    expect(() => test(template.replace("proxy_buffering", "proxy_buffer"))).toThrow(/unknown directive/);
  });
});

describe.runIf(runnable)("Compose", () => {
  const SETTINGS = {
    DATABASE_PASSWORD: "abc123",
    ES_ADDRESS: "Es2S6m4BsS73KTyBZYyxPtkNx4k4SY3M5Ug3EvgrnaT22UL3EXcY",
    FA_ADDRESS: "FA3bjkbnuXwGbpAQpDa9f3SNwASURwVjA5ZzqzBNeDJKUy3dW4Ay",
    FACTOMD: "http://factomd.example.com:8088/v2",
    IDENTITY: "Mine",
    DOMAIN: "pool.example.com",
    EMAIL: "me@example.com",
  };
  const settingsFile = (without?: string): string => {
    const path = join(folder, "settings");
    const lines = Object.entries(SETTINGS).filter(([name]) => name !== without);
    writeFileSync(path, lines.map(([name, value]) => `${name}=${value}\n`).join(""));
    return path;
  };
  const parse = (file: string, without?: string): string =>
    run("docker-compose", ["--env-file", settingsFile(without), "-f", file, "config"]);

  it("takes the file, and not one with a key that it does not know", () => {
    expect(parse(join(SHIPPED, "compose.yml"))).toContain("services:");
    const file = spoilt("compose.yml", "read_only: true", "read_onlyy: true");
    expect(() => parse(file)).toThrow(/read_onlyy/);
  });

  it.each(Object.keys(SETTINGS))("says what to set when %s is missing", (name) => {
    expect(() => parse(join(SHIPPED, "compose.yml"), name)).toThrow(
      new RegExp(`${name}.*in \\.env|in \\.env`),
    );
  });

  it("gives the pool a configuration that it takes, and asks for every setting that the page names", () => {
    const { services } = v.parse(
      v.object({
        services: v.object({
          pool: v.object({ environment: v.record(v.string(), v.string()) }),
        }),
      }),
      JSON.parse(
        run(
          "/usr/bin/python3",
          ["-c", "import sys,json,yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"],
          {
            input: parse(join(SHIPPED, "compose.yml")),
          },
        ),
      ),
    );
    const { files, databaseUrl } = containerSettings(services.pool.environment, folder);
    for (const { path, text } of files) writeFileSync(path, text.replaceAll("/tls/", `${folder}/`));
    const config = loadConfig(join(folder, "prosper-pool.toml"), { required: true });
    expect(edgeOptions(config, folder).nextJob.payoutAddress).toBe(SETTINGS.FA_ADDRESS);
    expect(config.factom.factomdlocation).toContain(SETTINGS.FACTOMD);
    expect(databaseUrl).toBe("postgres://prosper:abc123@postgres:5432/prosper");
    const page = readFileSync(join(ROOT, "docs/operating.md"), "utf8");
    for (const name of Object.keys(SETTINGS)) expect(page).toContain(`\`${name}\``);
  });
});

describe.runIf(runnable)("systemd", () => {
  const units = readdirSync(SHIPPED).filter((name) => /\.(?:service|timer)$/.test(name));
  /** All beside each other, with a program that there is in the place of the installed one. */
  const verify = (change: (text: string) => string = (text) => text): string => {
    const place = join(folder, "units");
    mkdirSync(place, { recursive: true });
    for (const name of units)
      writeFileSync(join(place, name), change(read(name).replace("/usr/local/bin/prosper", "/usr/bin/env")));
    const paths = units.map((name) => join(place, name));
    return run("sh", ["-c", 'systemd-analyze verify --man=no "$@" 2>&1', "sh", ...paths]);
  };

  it("takes the units without a word, and warns of one that has a wrong one", () => {
    expect(units).toHaveLength(5);
    expect(verify()).toBe("");
    expect(verify((text) => text.replace("KillMode=mixed", "KillMode=sometimes"))).toMatch(/kill mode/i);
  });
});

describe.runIf(runnable)("Prometheus", () => {
  const check = (file: string): string => run("promtool", ["check", "config", file]);

  it("takes its configuration with the alert rules beside it, and not one with another key", () => {
    copyFileSync(join(ROOT, "infra/monitoring/alerts.yml"), join(folder, "alerts.yml"));
    copyFileSync(join(SHIPPED, "prometheus.yml"), join(folder, "prometheus.yml"));
    expect(check(join(folder, "prometheus.yml"))).toMatch(/SUCCESS: 1 rule files found/);
    expect(() => check(spoilt("prometheus.yml", "rule_files", "rules"))).toThrow(/rules/);
  });
});

describe("the shell", () => {
  it("takes every block of the guide and the certificate's hook", () => {
    for (const { text } of guideBlocks()) run("sh", ["-n"], { input: text });
    run("sh", ["-n", join(SHIPPED, "certificate-hook")]);
    expect(() => run("sh", ["-n"], { input: "if true\n" })).toThrow();
  });
});
