/** The cockpit's routes: what the pool's doctor finds, for administrators. */

import type { Doctor, Examination } from "../doctor.ts";
import { iso } from "../figures/pool.ts";
import { type ApiReply, type ApiRoute, adminRoute, NO_BODY, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { DoctorView } from "../views/views.ts";

const PATH = "/api/admin/doctor";

export function doctorRoutes({ doctor }: ApiModules): ApiRoute[] {
  const answer = async (look: (doctor: Doctor) => Promise<Examination>): Promise<ApiReply<never>> =>
    view(doctor === undefined ? NOBODY : shown(await look(doctor)));
  return [
    adminRoute({
      method: "GET",
      path: PATH,
      summary: "What the pool's doctor finds, each red finding with what mends it; at most a minute old",
      reply: "Doctor",
      query: {},
      body: NO_BODY,
      run: () => answer((one) => one.newest()),
    }),
    adminRoute({
      method: "POST",
      path: PATH,
      summary: "Have the pool's doctor look again now",
      reply: "Doctor",
      query: {},
      body: NO_BODY,
      run: () => answer((one) => one.again()),
    }),
  ];
}

/** Where these pages have no pool in their process. */
const NOBODY: DoctorView = { here: false, lookedAt: null, running: false, findings: [] };

function shown({ atMs, findings, isRunning }: Examination): DoctorView {
  return {
    here: true,
    lookedAt: atMs === undefined ? null : iso(atMs),
    running: isRunning,
    findings: findings.map(({ mend = null, ...finding }) => ({ ...finding, mend })),
  };
}
