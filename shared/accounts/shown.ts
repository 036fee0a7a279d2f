/** What a user may let everybody see. `address`: it is found by its payout address too, which shows that the two belong together. */

export const SHOWN = ["rate", "workers", "earned", "address"] as const;

export type Shown = (typeof SHOWN)[number];
