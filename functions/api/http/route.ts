/** What a route of the API is: its path, who may call it, what goes in and what comes out. */

import * as v from "valibot";
import type { SessionUser } from "../../../shared/db/sessions.ts";
import type { Origin } from "../../auth/lockout.ts";
import type { ViewName } from "../views/views.ts";
import type { Refusal } from "./refusals.ts";

/** `user`: a session is needed. `admin`: one of an administrator. */
export type Access = "public" | "user" | "admin";

export interface WebSession {
  readonly token: string;
  readonly user: SessionUser;
}

/** A request that was checked and may run; `Who` is undefined on routes that need no login. */
export interface ApiRequest<Query, Body, Who> {
  readonly query: Query;
  readonly body: Body;
  /** From the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly session: Who;
  /** The address, and the device that its cookie names. */
  readonly from: Origin;
  /** The Host header. */
  readonly visitedHost: string | undefined;
  /** The page was fetched over https. */
  readonly isSecure: boolean;
}

/** `cookies` are whole Set-Cookie lines; `status` is 200 where it is not given. */
interface ViewReply {
  readonly kind: "view";
  readonly view: unknown;
  readonly cookies?: readonly string[];
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is no JSON: saved by the browser, by the name in its headers. */
interface FileReply {
  readonly kind: "file";
  readonly type: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Refused<R extends Refusal = Refusal> {
  readonly kind: "refused";
  readonly as: R;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `R`: what it may be refused for. */
export type ApiReply<R extends Refusal = Refusal> = ViewReply | FileReply | Refused<R>;

export const view = (shown: unknown): ViewReply => ({ kind: "view", view: shown });
/** `as`: the status and the code of refusals.ts; `message` is for people. */
export const refused = <const R extends Refusal>(
  as: R,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refused<R> => ({ kind: "refused", as, message, headers });

/** One route as the handler and the OpenAPI document see it; made by `route`. */
export interface ApiRoute {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** `{name}` stands for a parameter. */
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  readonly reply: ViewName;
  /** Types that it answers beside JSON. */
  readonly files: readonly string[];
  /** Another status that its reply comes with, beside 200. */
  readonly alsoStatus?: { readonly status: number; readonly meaning: string };
  /** Beside what every route of its kind is refused for (openapi.ts). */
  readonly refuses: readonly Refusal[];
  readonly query: v.ObjectEntries;
  readonly body: v.GenericSchema;
  /** A script's token may stand for the session. */
  readonly takesToken: boolean;
  /** The session is looked up before it runs. */
  readonly seesSession: boolean;
  /** The same for everybody, and as good for so long: caches may keep it. Undefined: none may. */
  readonly keepSeconds?: number;
  /** Input as it came; the route parses it. */
  readonly run: (request: ApiRequest<unknown, unknown, WebSession | undefined>) => Promise<ApiReply>;
}

interface RouteSpec<Query extends v.ObjectEntries, Body extends v.GenericSchema, R extends Refusal, Who> {
  readonly method: ApiRoute["method"];
  readonly path: string;
  readonly summary: string;
  readonly reply: ViewName;
  readonly files?: readonly string[];
  readonly alsoStatus?: ApiRoute["alsoStatus"];
  /** False: only a session will do. Without it a token may GET what is the user's own. */
  readonly takesToken?: boolean;
  /** All that `run` may refuse; the compiler checks. */
  readonly refuses?: readonly R[];
  readonly query: Query;
  readonly body: Body;
  readonly run: (
    request: ApiRequest<v.InferOutput<v.StrictObjectSchema<Query, undefined>>, v.InferOutput<Body>, Who>,
  ) => Promise<ApiReply<NoInfer<R>>>;
}

/** The body of a route that takes none. */
export const NO_BODY = v.undefined();

/** A route for everybody; the session is looked up only where `seesSession` asks for it. */
export function publicRoute<
  Query extends v.ObjectEntries,
  Body extends v.GenericSchema,
  R extends Refusal = never,
>(
  spec: RouteSpec<Query, Body, R, WebSession | undefined> & { seesSession?: boolean; keepSeconds?: number },
): ApiRoute {
  const built = build(spec, "public", (session) => ({ ok: true, session }));
  const { seesSession = false, keepSeconds } = spec;
  // A shared cache would hand one visitor's answer to the next.
  if (seesSession && keepSeconds !== undefined)
    throw new Error(`${spec.path} sees the session: nobody may keep it`);
  return { ...built, seesSession, ...(keepSeconds !== undefined && { keepSeconds }) };
}

/** A route for a logged-in user: 401 for others. */
export function userRoute<
  Query extends v.ObjectEntries,
  Body extends v.GenericSchema,
  R extends Refusal = never,
>(spec: RouteSpec<Query, Body, R, WebSession>): ApiRoute {
  return build(spec, "user", mustLogIn);
}

/** A route for an administrator: 401 or 403 for others. */
export function adminRoute<
  Query extends v.ObjectEntries,
  Body extends v.GenericSchema,
  R extends Refusal = never,
>(spec: RouteSpec<Query, Body, R, WebSession>): ApiRoute {
  return build(spec, "admin", (session) => {
    const user = mustLogIn(session);
    if (!user.ok || user.session.user.isAdmin) return user;
    return { ok: false, reply: refused("403 not-admin", "only an administrator may do this") };
  });
}

type Admission<Who> =
  | { readonly ok: true; readonly session: Who }
  | { readonly ok: false; readonly reply: ApiReply };

function mustLogIn(session: WebSession | undefined): Admission<WebSession> {
  if (session !== undefined) return { ok: true, session };
  return { ok: false, reply: refused("401 not-logged-in", "log in first: your session is missing or over") };
}

function build<Query extends v.ObjectEntries, Body extends v.GenericSchema, R extends Refusal, Who>(
  spec: RouteSpec<Query, Body, R, Who>,
  access: Access,
  admit: (session: WebSession | undefined) => Admission<Who>,
): ApiRoute {
  const { method, path, summary, reply, files = [], refuses = [], query, body } = spec;
  const querySchema = v.strictObject(query);
  const takesToken = access === "user" && method === "GET" && spec.takesToken !== false;
  return {
    ...{
      method,
      path,
      access,
      summary,
      reply,
      files,
      refuses,
      query,
      body,
      seesSession: access !== "public",
      takesToken,
    },
    ...(spec.alsoStatus && { alsoStatus: spec.alsoStatus }),
    async run(request) {
      const admitted = admit(request.session);
      if (!admitted.ok) return admitted.reply;
      const parsedQuery = v.safeParse(querySchema, request.query);
      if (!parsedQuery.success) return badInput("query", parsedQuery.issues[0]);
      const parsedBody = v.safeParse(body, request.body);
      if (!parsedBody.success) return badInput("body", parsedBody.issues[0]);
      return spec.run({
        ...request,
        query: parsedQuery.output,
        body: parsedBody.output,
        session: admitted.session,
      });
    },
  };
}

function badInput(where: string, issue: v.BaseIssue<unknown>): Refused {
  const path = v.getDotPath(issue);
  // Never the value: it may be a password.
  const what = path === null ? where : `${where} ${path}`;
  return refused(
    "400 bad-input",
    `${what}: ${issue.expected === null ? issue.message : `expected ${issue.expected}`}`,
  );
}
