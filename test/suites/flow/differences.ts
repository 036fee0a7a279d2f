/**
 * Where our rows differ from the recorded ones on purpose: the reference's value beside ours, with the heading that tells it. Nothing else
 * may differ. What depends on the clock (times, signatures and names of commits, hash rates) is not the same in any two runs.
 */

/**
 * docs/spec.md, "Targets": the minimum target is taken at the last of the best 50 in difficulty order; the reference counts places in grade order, where
 * the last may be any of them. By height; `reference` without its lowest bit, which it does not store; undefined: no row.
 */
export const MINIMUM_AND_EMA: readonly {
  readonly height: number;
  readonly minimum: { readonly reference: bigint | undefined; readonly ours: bigint | null };
  readonly ema: { readonly reference: bigint | undefined; readonly ours: bigint };
}[] = [
  {
    height: 1,
    minimum: { reference: 0xff5cdd2f01c91800n, ours: 0xff5cdd2f01c91800n },
    ema: { reference: 0xff5cdd2f01c91800n, ours: 0xff5cdd2f01c91800n },
  },
  {
    height: 2,
    minimum: { reference: 0xff94686b1e29e000n, ours: 0xff8f30467a608000n },
    ema: { reference: 0xff6568c219d7fbb0n, ours: 0xff649b329e2f2800n },
  },
  {
    height: 3,
    minimum: { reference: 0xfec273cb3afb6000n, ours: 0xfec273cb3afb6000n },
    ema: { reference: 0xff4c56c381674632n, ours: 0xff4ba8d3f162444en },
  },
  // Without records there is no minimum, and the average stays: the reference has no row, we say so in the block's.
  {
    height: 4,
    minimum: { reference: undefined, ours: null },
    ema: { reference: undefined, ours: 0xff4ba8d3f162444en },
  },
  {
    height: 5,
    minimum: { reference: 0xff8658ea84d34800n, ours: 0xff6d57c820cc9000n },
    ema: { reference: 0xff5543670bc6a8f0n, ours: 0xff50d76fa9e8c61an },
  },
  {
    height: 6,
    minimum: { reference: 0xff885a8a982f5000n, ours: 0xff7b57405a0b9800n },
    ema: { reference: 0xff5d1f93e64cea06n, ours: 0xff576141001583een },
  },
  {
    height: 7,
    minimum: { reference: 0xff9ac5a814bfc000n, ours: 0xff8dad9257d80000n },
    ema: { reference: 0xff669b9701238118n, ours: 0xff5fbbc3ab1fbe66n },
  },
  {
    height: 8,
    minimum: { reference: 0xff854cca4f20e000n, ours: 0xff839103b4872000n },
    ema: { reference: 0xff6b5463d20f684en, ours: 0xff653f0898e0e11bn },
  },
];

/** docs/spec.md, "Jobs and heights": a block without any record: booked like any other; the reference leaves it out of all tables but the heights. */
export const BLOCKS_WITHOUT_RECORDS: readonly number[] = [4];

/** The block's row counts what stands in the OPR chain; the reference what passes validation. By height, where they are not equal. */
export const ENTRY_COUNTS: Readonly<Record<number, { readonly reference: number; readonly ours: number }>> = {
  5: { reference: 45, ours: 48 },
};

/** Heights for which the reference books an empty payout though it had no job: we have no row without a job. */
export const PAYOUTS_WITHOUT_JOB: readonly number[] = [1, 2, 3, 5];

/** docs/design.md, "Vardiff": the first target is not above the submission threshold; the reference's is always the same. */
export const FIRST_TARGET = { reference: "ffff000000000000", ours: "ff50c522397f50c6" } as const;

interface Amount {
  readonly reference: bigint;
  readonly ours: bigint;
}

export interface BookedJob {
  readonly job: number;
  readonly carriedIn: bigint;
  /** The reference's dust, and what we carry out. */
  readonly carried: Amount;
  readonly users: Readonly<Record<string, Amount>>;
}

/** docs/spec.md, "Split": the dust is carried into the next block instead of lost. It begins with none, so the first block is the reference's. */
export const BOOKED: readonly BookedJob[] = [
  {
    job: 6,
    carriedIn: 0n,
    carried: { reference: 6_498n, ours: 6_498n },
    users: {
      "alice@example.com": { reference: 253_191_165_048n, ours: 253_191_165_048n },
      "bob@example.com": { reference: 376_199_936_046n, ours: 376_199_936_046n },
      "carol@example.com": { reference: 20_408_892_408n, ours: 20_408_892_408n },
    },
  },
  {
    job: 7,
    carriedIn: 6_498n,
    carried: { reference: 14_364n, ours: 14_366n },
    users: {
      "alice@example.com": { reference: 511_712_616_240n, ours: 511_712_620_869n },
      "bob@example.com": { reference: 120_612_992_598n, ours: 120_612_993_689n },
      "carol@example.com": { reference: 85_874_376_798n, ours: 85_874_377_574n },
    },
  },
  {
    job: 8,
    carriedIn: 14_366n,
    carried: { reference: 13_680n, ours: 13_682n },
    users: {
      "alice@example.com": { reference: 453_026_107_080n, ours: 453_026_116_594n },
      "bob@example.com": { reference: 186_779_544_840n, ours: 186_779_548_762n },
      "carol@example.com": { reference: 44_194_334_400n, ours: 44_194_335_328n },
    },
  },
];

/** docs/spec.md, "Accounting": of the client that never subscribed what she would have earned goes to the others. */
export const BOOKED_WITHOUT_CAROL: readonly BookedJob[] = [
  {
    job: 6,
    carriedIn: 0n,
    carried: { reference: 6_498n, ours: 6_498n },
    users: {
      "alice@example.com": { reference: 253_191_165_048n, ours: 261_401_245_092n },
      "bob@example.com": { reference: 376_199_936_046n, ours: 388_398_748_410n },
      "carol@example.com": { reference: 20_408_892_408n, ours: 0n },
    },
  },
  {
    job: 7,
    carriedIn: 6_498n,
    carried: { reference: 14_364n, ours: 7_183n },
    users: {
      "alice@example.com": { reference: 511_712_616_240n, ours: 581_206_888_802n },
      "bob@example.com": { reference: 120_612_992_598n, ours: 136_993_110_513n },
      "carol@example.com": { reference: 85_874_376_798n, ours: 0n },
    },
  },
  {
    job: 8,
    carriedIn: 7_183n,
    carried: { reference: 13_680n, ours: 6_841n },
    users: {
      "alice@example.com": { reference: 453_026_107_080n, ours: 484_318_722_286n },
      "bob@example.com": { reference: 186_779_544_840n, ours: 199_681_278_056n },
      "carol@example.com": { reference: 44_194_334_400n, ours: 0n },
    },
  },
];
