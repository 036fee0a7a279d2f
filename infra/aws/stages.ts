/** The pools that can be deployed, side by side as typed literals; what only you know is passed as context (see docs/aws.md). */

import type { PercentLimits } from "../../functions/poll/options.ts";
import { factoidAddress } from "../pool/key-addresses.ts";
import { devnetFactomd, TRY_KEYS } from "./devnet.ts";

/** What is paid, mined and shown. */
export interface PoolSettings {
  /** Written into our records and shown on the pages. */
  readonly name: string;
  /** FA… address that the rewards go to. */
  readonly coinbase: string;
  readonly feeRate: string;
  readonly registration: "invite" | "open";
  /** Payouts and adjustments need two people. */
  readonly twoAdministrators: boolean;
  /** Who is owed less PEG ("1.5") is paid later: what the pages say. Whoever prepares a payout passes the same (`--minimum`, or payout.minimum). */
  readonly payoutMinimum?: string;
  /** factomd's JSON-RPC, as an edge reaches it. */
  readonly factomd: string;
  readonly blockSeconds: number;
  readonly startHeight: number;
  /** −1: the real network's heights; else all OPR versions are active from this height. */
  readonly activation: number;
  /** Size of the LXR table: 30 on the real network. */
  readonly lxrBits: number;
}

export interface PriceSettings {
  /** Source → place; empty: the default order, which needs no key. */
  readonly priorities: Readonly<Record<string, number>>;
  readonly overrides: Readonly<Record<string, string>>;
  readonly urls: Readonly<Record<string, string>>;
  readonly fixed: Readonly<Record<string, string>>;
  readonly rule: "priority" | "reference";
  /** An older price is not used. */
  readonly staleSeconds: number;
  /** Assets that one source is enough for; "*": all. For every other two at least have to agree. */
  readonly single?: readonly string[];
  /** How far a quote may be off; the usual limits where a kind is not named. */
  readonly limits?: Partial<PercentLimits>;
  /** Keys of sources are in the secret `prosper/STAGE/prices`: JSON by the names of [oracle], for example {"coincapkey":"…"}. */
  readonly hasKeys?: boolean;
}

/** The size of the one task that is the stage's own Factom network (devnet-stack.ts). */
export interface Devnet {
  readonly cpu: number;
  readonly memoryMiB: number;
}

export interface Stage {
  /** Part of every stack's and resource's name. */
  readonly name: string;
  /** Deleting a stack keeps the books, and only an unprotected stack can be deleted. */
  readonly isProtected: boolean;
  readonly zones: number;
  readonly database: {
    /** Aurora capacity units; 0 pauses the database when nobody has asked it for `autoPauseSeconds`. */
    readonly minAcu: number;
    readonly maxAcu: number;
    readonly autoPauseSeconds?: number;
    /** A second instance in another zone takes over within a minute. */
    readonly hasStandby: boolean;
    readonly backupDays: number;
  };
  readonly edge: {
    /** 0 turns the pool off. */
    readonly tasks: number;
    readonly maxTasks: number;
    readonly cpu: number;
    readonly memoryMiB: number;
    readonly maxConnections: number;
    /** A second listener with TLS, its certificate and key from the edge secret. */
    readonly hasTls: boolean;
    /**
     * The name that miners connect by: a CNAME of yours for the output `StratumHost`. The certificate must name it; without one the pages show the
     * balancer's own name, which no certificate can have.
     */
    readonly stratumDomain?: string;
  };
  /**
   * Instances that a function always has and never exceeds: the api is capped, so that visitors cannot starve the books, and the others keep a floor.
   * Lambda leaves 100 of an account's quota to everything else, so the quota must be 100 above the sum (docs/aws.md). Undefined: none are reserved.
   */
  readonly concurrency?: Readonly<Record<"api" | "accounting" | "auth" | "poll", number>>;
  /**
   * What applies and seals: the functions accounting (30 s an event) and janitor. A seal that is cut off begins again, so a function must have time and
   * CPU for the largest block (docs/scale.md). A vCPU is 1,769 MiB. `events`: so many of accounting at a time, of ten messages each.
   */
  readonly books?: { readonly memoryMiB: number; readonly janitorSeconds: number; readonly events: number };
  readonly web: {
    /** With a certificate in us-east-1 for it; without a domain CloudFront's own name serves. */
    readonly domain?: { readonly name: string; readonly certificateArn: string };
    /** Version of the origin's secret that CloudFront sends; undefined: the newest when the template last changed. */
    readonly originVersion?: string;
    /** Sites whose pages may read the API in a browser, "*": all (docs/operating.md, "The API"); none where it is not given. */
    readonly corsOrigins?: readonly string[];
    /** Where pages link an entry of the chain to, such as https://explorer.example.com/entry/{hash}; else to its story here. */
    readonly explorer?: string;
  };
  /** Money is at stake where a stage is protected: then `email` is required. */
  readonly alarms: {
    readonly email?: string;
    /** So many blocks in a row without a reward are an alarm; by the pool's part of the network. */
    readonly rewardlessBlocks?: number;
  };
  /** Roots of sealed blocks are written to a chain, `batch` blocks an entry, paid by the key of the edges (docs/proofs.md); undefined: they are not. */
  readonly roots?: { readonly batch: number };
  /** Of users. E-mail is offered where `mailFrom`, its sender, is given; the mail server is in the secret `prosper/STAGE/mail` (docs/aws.md). */
  readonly alerts?: { readonly mailFrom?: string };
  /** Account that the canary logs in as, an operator's own and no administrator's (docs/metrics.md, "The canary"); undefined: there is none. */
  readonly canaryUser?: string;
  readonly logDays: 7 | 30 | 90 | 365;
  /** A Factom network of the stage's own; without one `pool.factomd` names a node. */
  readonly devnet?: Devnet;
  readonly pool: PoolSettings;
  readonly prices: PriceSettings;
}

/** Where miners connect. */
export const STRATUM_PORT = 3333;
export const STRATUM_TLS_PORT = 3443;
/** Where an edge answers about its health, and Prometheus: reached from inside the network only. */
export const HEALTH_PORT = 7070;
/** The pool's own network. A PROXY header is believed only when it comes from here. */
export const VPC_CIDR = "10.0.0.0/16";

const KEYLESS_PRICES: PriceSettings = {
  priorities: {},
  overrides: {},
  urls: {},
  fixed: {},
  rule: "priority",
  staleSeconds: 1800,
};

/** From the feed of a devnet, whose miners take theirs from it too. */
export function devnetPrices(feed: string): PriceSettings {
  return { ...KEYLESS_PRICES, priorities: { fixedusd: 0, devnet: 1 }, urls: { devnet: feed } };
}

/** The real network's parameters. */
const REAL_POOL: PoolSettings = {
  name: "Prosper",
  coinbase: "",
  feeRate: "0.05",
  registration: "invite",
  twoAdministrators: false,
  factomd: "",
  blockSeconds: 600,
  startHeight: 206_422,
  activation: -1,
  lxrBits: 30,
};

/** Short blocks and a small table, for networks of one's own. */
const DEVNET_POOL: PoolSettings = {
  name: "ProsperDev",
  coinbase: "",
  feeRate: "0.05",
  registration: "invite",
  twoAdministrators: false,
  factomd: "",
  blockSeconds: 60,
  startHeight: 1000,
  activation: 0,
  lxrBits: 16,
};

/** Everything is deleted with the stacks, and the database sleeps while there is no edge. */
const THROWAWAY = {
  isProtected: false,
  zones: 2,
  database: { minAcu: 0, maxAcu: 2, autoPauseSeconds: 300, hasStandby: false, backupDays: 1 },
  edge: { tasks: 1, maxTasks: 1, cpu: 512, memoryMiB: 1024, maxConnections: 1000, hasTls: false },
  web: {},
  alarms: {},
  // Their entry credits are worth nothing.
  roots: { batch: 1 },
  logDays: 7,
} as const;

/** Accounting has four to ten events at a time (the event source), poll one a minute. */
const RESERVED = { api: 100, accounting: 10, auth: 50, poll: 2 } as const;

export const STAGES = {
  /** An account alone is enough: it has a Factom network and keys of its own, worth nothing elsewhere. */
  try: {
    ...THROWAWAY,
    name: "try",
    devnet: { cpu: 512, memoryMiB: 1024 },
    pool: {
      ...DEVNET_POOL,
      name: "ProsperTry",
      factomd: devnetFactomd("try"),
      coinbase: factoidAddress(TRY_KEYS.fs),
    },
    prices: KEYLESS_PRICES,
  },
  /** The same beside a devnet of yours, that you break as you like. */
  dev: { ...THROWAWAY, name: "dev", pool: DEVNET_POOL, prices: KEYLESS_PRICES },
  /** The real network for up to 500 miners: one edge with the real table, one small database, the books kept and protected. */
  small: {
    name: "small",
    isProtected: true,
    zones: 2,
    database: { minAcu: 0.5, maxAcu: 4, hasStandby: false, backupDays: 14 },
    edge: { tasks: 1, maxTasks: 2, cpu: 1024, memoryMiB: 3072, maxConnections: 5_000, hasTls: true },
    web: {},
    alarms: { rewardlessBlocks: 144 },
    logDays: 30,
    pool: REAL_POOL,
    prices: KEYLESS_PRICES,
  },
  /** A real pool of some 10,000 miners: books kept and protected, edges and database in two zones. */
  prod: {
    name: "prod",
    isProtected: true,
    zones: 2,
    database: { minAcu: 0.5, maxAcu: 16, hasStandby: true, backupDays: 35 },
    edge: { tasks: 2, maxTasks: 12, cpu: 2048, memoryMiB: 4096, maxConnections: 20_000, hasTls: true },
    concurrency: RESERVED,
    web: {},
    alarms: {},
    logDays: 90,
    pool: REAL_POOL,
    prices: KEYLESS_PRICES,
  },
  /** The largest size that the cost table has, by arithmetic and not by a run (docs/aws.md). */
  large: {
    name: "large",
    isProtected: true,
    zones: 2,
    database: { minAcu: 4, maxAcu: 64, hasStandby: true, backupDays: 35 },
    edge: { tasks: 12, maxTasks: 24, cpu: 4096, memoryMiB: 8192, maxConnections: 25_000, hasTls: true },
    concurrency: RESERVED,
    // 25,000 shares a second are seven and a half events of 3,400, of 0.4 s of PostgreSQL's CPU each (docs/scale.md).
    books: { memoryMiB: 1769, janitorSeconds: 300, events: 10 },
    web: {},
    alarms: {},
    logDays: 90,
    pool: REAL_POOL,
    prices: KEYLESS_PRICES,
  },
} as const satisfies Record<string, Stage>;

export type StageName = keyof typeof STAGES;
