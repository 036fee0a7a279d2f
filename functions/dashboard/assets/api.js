/** Talks to the pool's API, and keeps a page fresh while somebody looks at it. */

/** What the API refused or could not do. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where no answer came
   * @param {string} message
   * @param {string} [code] the API's own word for it
   */
  constructor(status, message, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @template T
 * @param {string} path
 * @returns {Promise<T>} as the OpenAPI document describes it
 */
export function get(path) {
  return request("GET", path);
}

/**
 * @template T
 * @param {"GET" | "POST" | "PUT" | "DELETE"} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<T>}
 */
export async function request(method, path, body) {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(path, { method, signal, credentials: "same-origin", ...init }).catch(() => {
    throw new ApiError(0, "the pool cannot be reached");
  });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const { message = `the pool answered ${response.status}`, code } = answer?.error ?? {};
  throw new ApiError(response.status, message, code);
}

/**
 * Calls `refresh` now and every `periodMs` while the page is visible. A failure is shown above the page, and `refresh` is tried again.
 * @param {number} periodMs
 * @param {() => Promise<void>} refresh
 */
export function keepFresh(periodMs, refresh) {
  let timer = 0;
  let lastGoodMs = 0;
  const run = async () => {
    clearTimeout(timer);
    try {
      await refresh();
      lastGoodMs = Date.now();
      showTrouble(null);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        location.assign("/login");
        return;
      }
      showTrouble(troubleText(error, lastGoodMs));
    }
    if (!document.hidden) timer = window.setTimeout(run, periodMs);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void run();
  });
  void run();
}

/**
 * @param {unknown} error
 * @param {number} lastGoodMs
 */
function troubleText(error, lastGoodMs) {
  const what = error instanceof ApiError ? error.message : "this page could not be drawn";
  const since =
    lastGoodMs === 0 ? "" : ` The figures below are of ${new Date(lastGoodMs).toLocaleTimeString()}.`;
  if (!(error instanceof ApiError)) console.error(error);
  return `${what.charAt(0).toUpperCase()}${what.slice(1)}. Trying again.${since}`;
}

/** @param {string | null} text */
export function showTrouble(text) {
  const main = document.querySelector("main");
  const shown = document.querySelector("#trouble");
  if (text === null) shown?.remove();
  else if (shown !== null) shown.textContent = text;
  else {
    const notice = document.createElement("p");
    notice.id = "trouble";
    notice.className = "notice";
    notice.setAttribute("role", "status");
    notice.textContent = text;
    main?.prepend(notice);
  }
}
