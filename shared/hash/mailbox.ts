/**
 * Memory that a hashing thread shares with its pool: what is asked for goes in, what was found comes out. Each side looks at it only in its turn, and
 * each is woken by the other through `Atomics`. Measured for one input: 5 µs of the asking thread's time, where two messages cost it 45.
 */

import type { NonceRange } from "./hasher.ts";
import { DIGEST_BYTES, MAX_INPUT_BYTES, MAX_LANES, MAX_SEARCH } from "./kernel/layout.ts";

/** Places in the head, as 32-bit numbers: the number of the last question and of the last answer, then what is asked. */
const ASKED = 0;
const ANSWERED = 1;
const COUNT = 2;
/** -1: inputs are to be hashed; else a search, and this long is its prefix. */
const PREFIX_BYTES = 3;
const SUFFIX_BYTES = 4;
const HEAD_NUMBERS = 8;
/** The first counter of a search, a 64-bit float. */
const START_AT = HEAD_NUMBERS * 4;
const LENGTHS_AT = START_AT + 8;
const INPUTS_AT = LENGTHS_AT + 4 * MAX_LANES;
const ANSWER_AT = INPUTS_AT + MAX_INPUT_BYTES;
const BYTES = ANSWER_AT + Math.max(DIGEST_BYTES * MAX_LANES, 8 * MAX_SEARCH);

export type Question =
  | { readonly kind: "hash"; readonly inputs: readonly Uint8Array[] }
  | { readonly kind: "search"; readonly range: NonceRange };

export class Mailbox {
  /** Can be posted to a thread. */
  readonly memory: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #start: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #inputs: Uint8Array;
  readonly #answer: Uint8Array;
  /** The thread's side: the question it answered last. */
  #seen = 0;

  /** `memory`: that of the mailbox's other side; a new one without it. */
  constructor(memory = new SharedArrayBuffer(BYTES)) {
    this.memory = memory;
    this.#head = new Int32Array(memory, 0, HEAD_NUMBERS);
    this.#start = new Float64Array(memory, START_AT, 1);
    this.#lengths = new Uint32Array(memory, LENGTHS_AT, MAX_LANES);
    this.#inputs = new Uint8Array(memory, INPUTS_AT, MAX_INPUT_BYTES);
    this.#answer = new Uint8Array(memory, ANSWER_AT);
  }

  /** The pool's side. At most MAX_LANES inputs of MAX_INPUT_BYTES together, or a search; the last question must have been answered. */
  ask(question: Question): void {
    const head = this.#head;
    if (question.kind === "hash") {
      const { inputs } = question;
      let at = 0;
      for (let i = 0; i < inputs.length; i++) {
        const input = inputs[i] as Uint8Array;
        this.#inputs.set(input, at);
        this.#lengths[i] = input.length;
        at += input.length;
      }
      head[COUNT] = inputs.length;
      head[PREFIX_BYTES] = -1;
    } else {
      const { prefix, start, suffixBytes, count } = question.range;
      this.#inputs.set(prefix);
      this.#start[0] = start;
      head[COUNT] = count;
      head[PREFIX_BYTES] = prefix.length;
      head[SUFFIX_BYTES] = suffixBytes;
    }
    Atomics.add(head, ASKED, 1);
    Atomics.notify(head, ASKED);
  }

  /** The pool's side: undefined when the answer is there already. */
  answered(): Promise<unknown> | undefined {
    const before = (Atomics.load(this.#head, ASKED) - 1) | 0;
    const wait = Atomics.waitAsync(this.#head, ANSWERED, before);
    return wait.async ? wait.value : undefined;
  }

  /** The pool's side: a copy of the hashes, in the order of the inputs. */
  digests(): Uint8Array[] {
    const count = this.#head[COUNT] ?? 0;
    const bytes = new Uint8Array(count * DIGEST_BYTES);
    bytes.set(this.#answer.subarray(0, bytes.length));
    return Array.from({ length: count }, (_, i) => bytes.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES));
  }

  /** The pool's side: a copy of the difficulties, in the order of the nonces. */
  difficulties(): BigUint64Array {
    return new BigUint64Array(this.memory, ANSWER_AT, this.#head[COUNT] ?? 0).slice();
  }

  /** The thread's side: blocks until something is asked. What it gives is of the shared memory: gone when it has been answered. */
  next(): Question {
    const head = this.#head;
    while (Atomics.load(head, ASKED) === this.#seen) Atomics.wait(head, ASKED, this.#seen);
    this.#seen = (this.#seen + 1) | 0;
    const count = head[COUNT] ?? 0;
    const prefixBytes = head[PREFIX_BYTES] ?? 0;
    if (prefixBytes >= 0)
      return {
        kind: "search",
        range: {
          prefix: this.#inputs.subarray(0, prefixBytes),
          start: this.#start[0] ?? 0,
          suffixBytes: head[SUFFIX_BYTES] ?? 0,
          count,
        },
      };
    let at = 0;
    const inputs = Array.from({ length: count }, (_, i) => {
      const length = this.#lengths[i] ?? 0;
      at += length;
      return this.#inputs.subarray(at - length, at);
    });
    return { kind: "hash", inputs };
  }

  /** The thread's side. */
  answer(found: readonly Uint8Array[] | BigUint64Array): void {
    if (found instanceof BigUint64Array) new BigUint64Array(this.memory, ANSWER_AT, found.length).set(found);
    else for (const [i, hash] of found.entries()) this.#answer.set(hash, i * DIGEST_BYTES);
    Atomics.store(this.#head, ANSWERED, this.#seen);
    Atomics.notify(this.#head, ANSWERED);
  }
}
