/** What a fuzz part counts and how it tells: rate, and whether memory stays flat. */

export interface Part {
  readonly name: string;
  /** Does about `count` inputs, calling `done` with how many it did; throws at the first that breaks something. */
  run(count: number, done: (inputs: number) => void): Promise<void>;
}

/** Growth of the heap from a fifth of the way to the end that is still flat: caches fill, and the collector is lazy. */
const FLAT_MB = 16;

function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

/** Runs a part and prints its figures. Throws where it breaks or its memory grows. */
export async function runPart(part: Part, count: number): Promise<void> {
  const startMs = performance.now();
  let inputs = 0;
  let warmMb = 0;
  let nextLine = count / 5;
  const say = (): void => {
    const { rss } = process.memoryUsage();
    const rate = Math.round(inputs / ((performance.now() - startMs) / 1000));
    console.log(
      `${part.name.padEnd(10)} ${String(inputs).padStart(8)} inputs   ${String(rate).padStart(7)}/s   heap ${heapMb().toFixed(0)} MB, RSS ${(rss / 1024 / 1024).toFixed(0)} MB`,
    );
  };
  await part.run(count, (done) => {
    inputs += done;
    if (inputs < nextLine) return;
    if (warmMb === 0) warmMb = heapMb();
    say();
    nextLine += count / 5;
  });
  const grownMb = heapMb() - warmMb;
  if (warmMb > 0 && grownMb > FLAT_MB)
    throw new Error(`${part.name}: the heap grew by ${grownMb.toFixed(0)} MB`);
}

/** Throws where an input has changed what all objects have. */
export function checkUnpolluted(): void {
  if ("polluted" in {}) throw new Error("an input has changed Object.prototype");
}
