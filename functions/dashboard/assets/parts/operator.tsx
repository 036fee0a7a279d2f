/** The head that the operator's pages share. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { PageHead } from "../components/card.tsx";
import { Link } from "../components/frame.tsx";

const PAGES = [
  { href: "/admin/cockpit", title: "Cockpit" },
  { href: "/admin/payday", title: "Payday" },
  { href: "/admin/miners", title: "Miners" },
  { href: "/admin/users", title: "Users" },
  { href: "/admin/bars", title: "Bars" },
  { href: "/admin/notices", title: "Notices" },
  { href: "/admin/invites", title: "Invite codes" },
  { href: "/admin/adjustments", title: "Adjustments" },
  { href: "/admin/withholding", title: "Withheld hits" },
];

export function OperatorHead({ title }: { title: string }) {
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen the names are moved sideways: this page's own is in sight.
  useLayoutEffect(() => {
    const here = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (nav.current && here) nav.current.scrollLeft = here.offsetLeft - nav.current.offsetLeft;
  }, []);
  return (
    <PageHead title={title}>
      <nav aria-label="Operator" ref={nav}>
        {PAGES.map((page) => (
          <Link key={page.href} href={page.href}>
            {page.title}
          </Link>
        ))}
      </nav>
    </PageHead>
  );
}
