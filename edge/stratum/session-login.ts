/** Who a connection is: after its login it is one user for its whole life, and one worker of that user at a time. */

import { userKey } from "./user-limits.ts";

/** Who the session mines for. */
export interface Login {
  readonly user: string;
  readonly worker: string;
}

type State =
  | { readonly kind: "nobody" }
  /** `sharesKey`: what its shares are counted under (userKey). */
  | { readonly kind: "worker"; readonly login: Login; readonly sharesKey: string }
  /** A later login was refused. This also ends the login before it: from then on shares are refused. */
  | { readonly kind: "dismissed"; readonly user: string };

export class SessionLogin {
  readonly #remoteAddress: string;
  #state: State = { kind: "nobody" };
  /** Since when a verdict has been awaited; meanwhile the login before it stays valid. */
  #askedMs: number | undefined;

  constructor(remoteAddress: string) {
    this.#remoteAddress = remoteAddress;
  }

  /** Undefined before the first login, and after a refused one. */
  get current(): Login | undefined {
    return this.#state.kind === "worker" ? this.#state.login : undefined;
  }

  /** What the login's shares are counted under; "" where there is none. */
  get sharesKey(): string {
    return this.#state.kind === "worker" ? this.#state.sharesKey : "";
  }

  /** Since when a verdict is awaited; undefined: none is. */
  get askedMs(): number | undefined {
    return this.#askedMs;
  }

  /** False where the connection has been another user's. */
  isOpenTo(user: string): boolean {
    const { kind } = this.#state;
    if (kind === "nobody") return true;
    return user === (this.#state.kind === "worker" ? this.#state.login.user : this.#state.user);
  }

  asked(nowMs: number): void {
    this.#askedMs = nowMs;
  }

  /** There is a verdict, or there will be none. */
  answered(): void {
    this.#askedMs = undefined;
  }

  accepted(login: Login): void {
    this.#state = { kind: "worker", login, sharesKey: userKey(login.user, this.#remoteAddress) };
  }

  refused(): void {
    if (this.#state.kind === "worker") this.#state = { kind: "dismissed", user: this.#state.login.user };
  }
}
