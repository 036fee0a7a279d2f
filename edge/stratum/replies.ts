/**
 * Sends answers in the order of their requests, however long each takes, except answers that are passed before others. Many requests may be worked on
 * at once.
 */

/** The lines that answer one request, already encoded; "" for none. */
type Answer = string;

interface Slot {
  text: Answer | undefined;
}

export class ReplyQueue {
  readonly #send: (text: string) => void;
  readonly #slots: Slot[] = [];
  #waiters: { readonly below: number; readonly resolve: () => void }[] = [];

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /** How many requests have no answer, or have one that waits for the answer to an earlier request. */
  get size(): number {
    return this.#slots.length;
  }

  /** Queues an answer that is there already. */
  push(text: Answer): void {
    if (this.#slots.length === 0) this.#emit(text);
    else this.#slots.push({ text });
  }

  /** Sends an answer before those of earlier requests. */
  pass(text: Answer): void {
    this.#emit(text);
  }

  /** Reserves the next place; call the returned function once, with the answer. */
  reserve(): (text: Answer) => void {
    const slot: Slot = { text: undefined };
    this.#slots.push(slot);
    return (text) => {
      slot.text = text;
      this.#flush();
    };
  }

  /** Resolves when fewer than `count` requests are open (1 = all are answered). */
  below(count: number): Promise<void> {
    if (this.#slots.length < count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ below: count, resolve }));
  }

  #flush(): void {
    let text = "";
    while (this.#slots[0]?.text !== undefined) text += this.#slots.shift()?.text ?? "";
    this.#emit(text);
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter((waiter) => this.#slots.length < waiter.below);
    this.#waiters = this.#waiters.filter((waiter) => this.#slots.length >= waiter.below);
    for (const waiter of ready) waiter.resolve();
  }

  #emit(text: Answer): void {
    if (text !== "") this.#send(text);
  }
}
