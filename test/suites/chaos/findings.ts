/** What the parts of a run tell while it goes on, and what is wrong with it. */
export class Findings {
  /** What went wrong, one sentence each. */
  readonly problems: string[] = [];
  /** Codes of messages that the books refused. */
  readonly rejected: string[] = [];
  /** Blocks that were sealed by the deadline, without waiting for somebody's work any longer. */
  readonly forced: number[] = [];
  /** What the miners tell, the newest. */
  minersTell: Record<string, unknown> = {};
}
