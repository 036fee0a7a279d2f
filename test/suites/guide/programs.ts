/** What the guide's commands need on this machine. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { whyNotInstalled } from "../../support/optional-suite.ts";
import { readReleases, whyNoHistory } from "../../support/releases.ts";
import { whyNoServer } from "./server.ts";

const PROGRAMS = {
  "nginx-light": "/usr/sbin/nginx",
  prometheus: "/usr/bin/prometheus",
  openssl: "/usr/bin/openssl",
  "gettext-base": "/usr/bin/envsubst",
  curl: "/usr/bin/curl",
  iproute2: "/usr/sbin/ip",
  git: "/usr/bin/git",
};

/** The release that the guide goes back to. */
export const [release] = readReleases();

/** PostgreSQL's programs as Debian has them. */
export function serverPrograms(): string | undefined {
  return existsSync("/usr/lib/postgresql")
    ? readdirSync("/usr/lib/postgresql")
        .map((version) => `/usr/lib/postgresql/${version}/bin`)
        .find((folder) => existsSync(join(folder, "initdb")))
    : undefined;
}

/** Why the guide cannot be followed here; undefined: it can. Installs what is missing where it may. */
export function whyNot(): string | undefined {
  const missing = whyNotInstalled([...Object.keys(PROGRAMS), "postgresql"], () =>
    [...Object.values(PROGRAMS), serverPrograms() ?? "/nowhere"].every((path) => existsSync(path)),
  );
  if (missing !== undefined) return missing;
  return whyNoServer() ?? whyNoHistory(release);
}
