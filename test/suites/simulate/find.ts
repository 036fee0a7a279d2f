/** A nonce that a worker found. It counts for whoever was told its prefix, on whatever session it is sent. */
export interface Find {
  readonly job: number;
  readonly user: string;
  readonly worker: string;
  /** Its place among the finds of this worker in this job. */
  readonly index: number;
  /** The nonce's bytes, whatever the spelling. */
  readonly nonce: string;
  /** What it may be credited with at most: the work of its prefix's target where it reaches that, and was hashed while its finder was told to. */
  readonly worth: bigint;
  /** Lines with it. */
  sends: number;
  /** One of them said truly what it reaches. */
  submitted: boolean;
  credited: boolean;
  acked: boolean;
}

/** For people. */
export function describeFind({ job, user, worker, index, nonce }: Find): string {
  return `job ${job}, ${user}/${worker} find ${index}, nonce ${nonce}`;
}
