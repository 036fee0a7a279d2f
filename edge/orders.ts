/**
 * What the operator orders, as this edge knows it: read from the database every few seconds, kept while that is away, and over at its end by the
 * monotonic clock (docs/design.md, "Operator's orders"). All edges of a fleet read the same rows.
 */

import { type Clock, sleep } from "../shared/clock.ts";
import type { Bar } from "../shared/db/bars.ts";
import type { Notice } from "../shared/db/notices.ts";
import { coerceError } from "../shared/errors.ts";
import { type AddressRanges, addressRanges } from "../shared/ip-address.ts";
import type { Logger } from "../shared/logger.ts";
import { noticeText } from "../shared/operator/orders.ts";
import type { StratumOrders } from "./stratum/orders.ts";

export interface OrdersModules {
  readonly read: () => Promise<Ordered>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bars may have come: sessions are to be looked at. */
  readonly onBars: () => void;
  /** To be told to every session. */
  readonly onWords: (words: string) => void;
  /** Whether miners are stopped for maintenance. */
  readonly onMaintenance: (isOn: boolean) => void;
}

export interface Ordered {
  readonly bars: readonly Bar[];
  readonly notices: readonly Notice[];
}

const EVERY_MS = 5_000;
/** Beginnings and ends are met to the second, also while the database is away. */
const LOOK_MS = 1_000;

interface KnownBar extends Bar {
  readonly range: AddressRanges | undefined;
  /** Monotonic; infinite without an end. */
  readonly endsMs: number;
}

interface KnownNotice extends Notice {
  /** Monotonic. */
  readonly beginsMs: number;
  readonly endsMs: number;
}

export class Orders implements StratumOrders {
  readonly #modules: OrdersModules;
  #bars: readonly KnownBar[] = [];
  #users = new Map<string, KnownBar>();
  #notices: readonly KnownNotice[] = [];
  /** What was told to everybody: each notice once, and once more when it begins. */
  #told = new Set<string>();
  #isFirst = true;
  #isAway = false;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(modules: OrdersModules) {
    this.#modules = modules;
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#modules;
    while (!signal.aborted) {
      if (clock.monotonicMs() - this.#readMs >= EVERY_MS) await this.refresh();
      else this.#look();
      await sleep(clock, LOOK_MS, signal);
    }
  }

  /** Reads them now. Never rejects: what was known stays. */
  async refresh(): Promise<void> {
    const { clock, read, logger, onBars } = this.#modules;
    this.#readMs = clock.monotonicMs();
    try {
      const { bars, notices } = await read();
      const nowMs = clock.monotonicMs();
      this.#bars = bars.map((bar) => knownBar(bar, nowMs));
      this.#users = new Map(this.#bars.flatMap((bar) => (bar.kind === "user" ? [[bar.subject, bar]] : [])));
      this.#notices = notices.map((notice) => ({
        ...notice,
        beginsMs: nowMs + notice.beginsInMs,
        endsMs: nowMs + notice.leftMs,
      }));
      this.#isAway = false;
    } catch (error) {
      if (!this.#isAway)
        logger.warn("the operator's orders could not be read", { error: coerceError(error).message });
      this.#isAway = true;
    }
    if (this.#bars.length > 0) onBars();
    this.#look();
  }

  barOf(user: string | undefined, address: string): Bar | undefined {
    const nowMs = this.#modules.clock.monotonicMs();
    const own = user === undefined ? undefined : this.#users.get(user);
    if (own !== undefined && own.endsMs > nowMs) return own;
    return this.#bars.find(({ range, endsMs }) => endsMs > nowMs && range?.has(address) === true);
  }

  words(): string[] {
    const wallMs = this.#modules.clock.wallMs();
    return this.#standing().map((notice) => noticeText(notice, wallMs));
  }

  #standing(): KnownNotice[] {
    const nowMs = this.#modules.clock.monotonicMs();
    return this.#notices.filter(
      ({ kind, beginsMs, endsMs }) => endsMs > nowMs && (kind === "maintenance" || beginsMs <= nowMs),
    );
  }

  /** Tells what is new, and whether miners are stopped. */
  #look(): void {
    const { clock, onWords, onMaintenance } = this.#modules;
    const nowMs = clock.monotonicMs();
    const standing = this.#standing();
    const told = new Set<string>();
    for (const notice of standing) {
      const key = `${notice.id} ${notice.beginsMs <= nowMs}`;
      told.add(key);
      // Who logs in is told by the login; nobody is there before the first look.
      if (!this.#told.has(key) && !this.#isFirst) onWords(noticeText(notice, clock.wallMs()));
    }
    this.#told = told;
    this.#isFirst = false;
    onMaintenance(standing.some(({ kind, beginsMs }) => kind === "maintenance" && beginsMs <= nowMs));
  }
}

function knownBar(bar: Bar, nowMs: number): KnownBar {
  return {
    ...bar,
    endsMs: bar.leftMs === null ? Number.POSITIVE_INFINITY : nowMs + bar.leftMs,
    range: bar.kind === "address" ? addressRanges("bars", [bar.subject]) : undefined,
  };
}
