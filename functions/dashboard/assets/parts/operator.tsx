/** The head that the operator's pages share. */

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
  return (
    <PageHead title={title}>
      <nav aria-label="Operator">
        {PAGES.map((page) => (
          <Link key={page.href} href={page.href}>
            {page.title}
          </Link>
        ))}
      </nav>
    </PageHead>
  );
}
