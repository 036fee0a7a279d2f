/** Where a session stands. Subscribing and logging in are independent on the wire; both are needed to submit. */

/** Who the session mines for. */
export interface Login {
  readonly user: string;
  readonly worker: string;
}

export type SessionState =
  | { readonly kind: "connected" }
  | { readonly kind: "subscribed" }
  /** Logged in without having subscribed: gets no jobs. */
  | { readonly kind: "named"; readonly login: Login }
  | { readonly kind: "authorized"; readonly login: Login };

/** True when the session is told about jobs and targets. */
export function hearsJobs(state: SessionState): boolean {
  return state.kind === "subscribed" || state.kind === "authorized";
}

export function loginOf(state: SessionState): Login | undefined {
  return state.kind === "named" || state.kind === "authorized" ? state.login : undefined;
}

export function afterSubscribe(state: SessionState): SessionState {
  const login = loginOf(state);
  return login === undefined ? { kind: "subscribed" } : { kind: "authorized", login };
}

export function afterLogin(state: SessionState, login: Login): SessionState {
  return hearsJobs(state) ? { kind: "authorized", login } : { kind: "named", login };
}

/** A refused login ends the one before it: its shares are refused from here on. */
export function afterRefusedLogin(state: SessionState): SessionState {
  return hearsJobs(state) ? { kind: "subscribed" } : { kind: "connected" };
}
