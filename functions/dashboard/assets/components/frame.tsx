/** What every page has around it: skip link, header with links to the other pages, and the footer. */

import { type ComponentChildren, type ComponentType, render } from "preact";
import { trouble } from "../live/fresh.ts";
import { loadSession, notices, user } from "../live/session.ts";
import { When } from "./figures.tsx";

const { pool: poolName = "Pool" } = document.body.dataset;
const HERE = location.pathname;
const ICON = document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "";

/** Draws a page in its frame. Every page's script ends with it. */
export function mount(Page: ComponentType): void {
  const root = document.querySelector("#app");
  if (root === null) throw new Error("the page has no #app");
  root.replaceChildren();
  render(
    <Frame>
      <Page />
    </Frame>,
    root,
  );
  void loadSession();
}

function Frame({ children }: { children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <Header />
      </header>
      <main id="content" tabIndex={-1}>
        <div role="status" class="trouble">
          <Trouble />
        </div>
        <Notices />
        {children}
      </main>
      <footer class="foot">
        <a href="/api/docs">API</a>
        <a href="/api/openapi.json">OpenAPI</a>
        <a href="/status">Status</a>
        <span>Times are yours with their zone, and UTC beside them. Amounts are in PEG.</span>
      </footer>
    </>
  );
}

function Trouble() {
  if (trouble.value === null) return null;
  return (
    <p id="trouble" class="notice">
      {trouble}
    </p>
  );
}

function Notices() {
  return (
    <>
      {notices.value.map(({ kind, words, beginsAt, until }) => (
        <aside key={`${words} ${until}`} class="told" aria-label="From the operator">
          {kind === "maintenance" && (
            <b>
              Maintenance from <When at={beginsAt} /> until <When at={until} />.{" "}
            </b>
          )}
          <span class="said">{words}</span>
        </aside>
      ))}
    </>
  );
}

function Header() {
  const who = user.value;
  return (
    <div class="top-inner">
      <a class="brand" href="/">
        <img src={ICON} alt="" width="26" height="26" />
        {poolName}
      </a>
      <nav class="main-nav" aria-label="Main">
        <Link href="/">Pool</Link>
        <Link href="/pool/rewards">Blocks</Link>
        <Link href="/pool/submissions">Submissions</Link>
        <Link href="/#connect">Connect</Link>
        {who?.admin === true && <Link href="/admin/cockpit">Admin</Link>}
      </nav>
      <nav class="account-nav" aria-label="Account">
        {who === null && <Link href="/login">Log in</Link>}
        {who === null && <Link href="/register">Register</Link>}
        {who && <Link href="/me">My page</Link>}
        {who && <Link href="/whoami">{who.name}</Link>}
      </nav>
    </div>
  );
}

export function Link({ href, children }: { href: string; children: ComponentChildren }) {
  return (
    <a href={href} aria-current={href === HERE ? "page" : undefined}>
      {children}
    </a>
  );
}
