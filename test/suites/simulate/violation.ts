/** What the simulator looks for: something that must hold does not. */
export class Violation extends Error {}
