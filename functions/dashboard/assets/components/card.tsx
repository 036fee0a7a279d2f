/** Cards, figures in tiles, and what stands where there is nothing yet. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Figure } from "../format.ts";

interface CardProps {
  title: string;
  id?: string;
  aside?: ComponentChildren;
  children?: ComponentChildren;
}

/** A region of the page, named by its heading. */
export function Card({ title, id, aside, children }: CardProps) {
  const heading = useId();
  return (
    <section class="card" id={id} aria-labelledby={heading}>
      <div class="card-head">
        <h2 id={heading}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <b>{title}</b>
      <span class="small">{children}</span>
    </div>
  );
}

/** Stands in a card's place until its first figures are in. */
export function Loading() {
  return <div class="empty loading">…</div>;
}

export function PageHead({ title, about, children }: PageHeadProps) {
  return (
    <div class="page-head">
      <div>
        <h1 class="name">{title}</h1>
        {about !== undefined && <p class="muted">{about}</p>}
      </div>
      {children}
    </div>
  );
}

interface PageHeadProps {
  title: string;
  about?: ComponentChildren;
  children?: ComponentChildren;
}

export function Tiles({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <section aria-label={label}>
      <dl class="card tiles">{children}</dl>
    </section>
  );
}

interface TileProps {
  name: string;
  figure: Figure;
  note?: ComponentChildren;
  kind?: "lead" | "";
}

/** One figure with its name and a line about it. */
export function Tile({ name, figure, note, kind = "" }: TileProps) {
  return (
    <div class={`tile ${kind}`}>
      <dt>{name}</dt>
      <dd>
        {figure.value}
        {figure.unit !== undefined && <span class="unit">{figure.unit}</span>}
      </dd>
      <dd class="note">{note}</dd>
    </div>
  );
}

export function LoadingTiles({ count, label }: { count: number; label: string }) {
  return (
    <section aria-label={label}>
      <dl class="card tiles">
        {Array.from({ length: count }, (_, i) => (
          <div class="tile" key={i}>
            <dt class="loading">…</dt>
            <dd class="loading">000 kh/s</dd>
            <dd class="note loading">…</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
