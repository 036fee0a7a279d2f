/**
 * What health means, for every deployment: three questions over HTTP, each answered with 200 or 503 and its checks by name (docs/aws.md, "Health").
 *
 * `/livez`: would a restart mend it? Asked by what restarts (a container's check). The database away, a chain that stands still and missing prices
 * are not mended by a restart, and it would cost the miners their connections: they are never asked here.
 * `/readyz`: may new miners come? Asked by balancers and proxies. It adds only whether the ports are open.
 * `/healthz`: does everything work? Asked by people and uptime checks; it restarts nothing.
 */

/** The result of each check: "ok", or what is wrong. */
export type Checks = Readonly<Record<string, string>>;

/** Answered from memory, so that asking costs nothing and cannot hang. */
export interface Health {
  live(): Checks;
  ready(): Checks;
  works(): Checks;
}

/** The answer's body: `HealthView` of the api. */
export interface HealthAnswer {
  readonly ok: boolean;
  readonly checks: Checks;
}

export function answerOf(checks: Checks): { readonly status: 200 | 503; readonly answer: HealthAnswer } {
  const ok = Object.values(checks).every((state) => state === "ok");
  return { status: ok ? 200 : 503, answer: { ok, checks } };
}
