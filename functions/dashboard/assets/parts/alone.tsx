/** What a pool is told where two administrators must agree and there is one. */

interface AloneProps {
  what: string;
  view: { readonly twoAdministrators: boolean; readonly administrators: number } | undefined;
}

export function Alone({ what, view }: AloneProps) {
  if (view === undefined || !view.twoAdministrators || view.administrators > 1) return null;
  return (
    <p class="notice">
      Two people must agree to {what} here (pool.twoadministrators), and this pool has one administrator. Make
      another where the pool runs: <code>npx prosper db admin NAME</code>, or turn the setting off.
    </p>
  );
}
