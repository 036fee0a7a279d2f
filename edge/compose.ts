/**
 * The parts of an edge that jobs and shares pass, put together. The follower makes jobs, the share desk takes shares, and the stratum server stands
 * between them and the miners (docs/design.md, "Shape"). Disk, database, node and listeners come from the caller: the real ones of edge/edge.ts, or
 * simulated ones.
 */

import type { Random } from "../shared/clock.ts";
import type { BlockRow } from "../shared/db/blocks.ts";
import {
  createFollower,
  type Follower,
  type FollowerModules,
  type FollowerOptions,
} from "./chain/follower.ts";
import { createStallWatch, type StallWatch } from "./chain/stall.ts";
import { chainLeaseMs, createNamedLease, type NamedLease } from "./lease/named.ts";
import { MinedJob, type MinedJobModules } from "./mined-job.ts";
import { AnnouncedJobs } from "./stratum/announced-jobs.ts";
import type { StratumBackend } from "./stratum/backend.ts";
import { EdgeBackend, type Siblings } from "./stratum/edge-backend.ts";
import type { StratumMetrics } from "./stratum/metrics.ts";
import type { StratumOrders } from "./stratum/orders.ts";
import { StratumServer } from "./stratum/server.ts";
import type { StratumSettings } from "./stratum/settings.ts";

export interface EdgePartsOptions {
  readonly edgeId: string;
  readonly blockMs: number;
  readonly stratum: Partial<StratumSettings>;
  readonly follow: FollowerOptions;
}

export interface EdgePartsModules
  extends Omit<FollowerModules, "lease">,
    Pick<MinedJobModules, "desk" | "submitter" | "stopping"> {
  readonly logins: Pick<StratumBackend, "authorize">;
  readonly siblings?: Siblings;
  readonly orders?: StratumOrders;
  readonly random: Random;
  readonly metrics: StratumMetrics;
  /** Called for each new top height, before its job ends. */
  readonly onHeight: (height: number) => void;
  /** This edge has booked a block. */
  readonly onBlock: (row: BlockRow) => void;
}

export interface EdgeParts {
  readonly announced: AnnouncedJobs;
  readonly stratum: StratumServer;
  readonly mined: MinedJob;
  readonly stall: StallWatch;
  readonly follower: Follower;
  readonly chainLease: NamedLease;
  /** Follows the chain and watches it until `stopping` aborts. The desk must have recovered before. */
  run(): Promise<unknown>;
}

export function composeEdge(options: EdgePartsOptions, modules: EdgePartsModules): EdgeParts {
  const { edgeId, blockMs } = options;
  const { desk, logins, siblings, onHeight, onBlock, stopping } = modules;
  const announced = new AnnouncedJobs();
  const stratum = new StratumServer(
    { ...options.stratum, blockPeriodMs: blockMs },
    { ...modules, backend: new EdgeBackend({ announced, desk, logins, ...(siblings && { siblings }) }) },
  );
  const mined = new MinedJob(
    { blockMs },
    {
      ...modules,
      announced,
      topHeight: () => follower.topHeight(),
      onChange: () => stratum.jobChanged(),
    },
  );
  const stall = createStallWatch({ blockMs }, modules, () => mined.stopFor("stalled", true));
  const chainLease = createNamedLease(
    { name: "chain", holder: edgeId, leaseMs: chainLeaseMs(blockMs) },
    modules,
  );
  const follower: Follower = createFollower(
    options.follow,
    { ...modules, lease: chainLease },
    {
      onHeight(height) {
        onHeight(height);
        stall.rose(height);
        mined.saved(height);
      },
      onJob: (job) => mined.begin(job),
      onNoJob: () => stratum.jobChanged(),
      onBlock,
    },
  );
  return {
    ...{ announced, stratum, mined, stall, follower, chainLease },
    run: () => Promise.all([follower.run(stopping), stall.run(stopping), mined.watchDesk()]),
  };
}
