/** Text that stands for every secret: no log line may hold it. */
export const CANARY = "canary-5d41402abc4b2a76";
