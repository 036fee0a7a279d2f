/** Assets that no market prices any more, whatever sources list them. */
export const WITHOUT_MARKET: ReadonlySet<string> = new Set(["PEG", "FCT", "HT"]);
