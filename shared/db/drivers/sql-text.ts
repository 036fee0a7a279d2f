/** SQL text cut into what may be rewritten and what must stay: string and dollar-quoted literals, quoted names, comments (PostgreSQL's lexical rules). */

const QUOTED =
  /\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//g;

/** A piece of SQL text; the pieces joined are the text again. */
export interface SqlPiece {
  readonly kind: "code" | "quoted" | "comment";
  readonly text: string;
}

/** The pieces in order. Comments do not nest. */
export function sqlPieces(text: string): SqlPiece[] {
  const pieces: SqlPiece[] = [];
  let at = 0;
  const addCode = (end: number): void => {
    if (end > at) pieces.push({ kind: "code", text: text.slice(at, end) });
  };
  for (const match of text.matchAll(QUOTED)) {
    addCode(match.index);
    const [quoted] = match;
    pieces.push({ kind: /^(--|\/\*)/.test(quoted) ? "comment" : "quoted", text: quoted });
    at = match.index + quoted.length;
  }
  addCode(text.length);
  return pieces;
}

/** Rewrites the code; literals, quoted names and comments stay as they are. */
export function mapSqlCode(text: string, rewrite: (code: string) => string): string {
  return sqlPieces(text)
    .map((piece) => (piece.kind === "code" ? rewrite(piece.text) : piece.text))
    .join("");
}

/** The statements of a text, without their semicolons; what holds only space and comments is left out. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let current = "";
  let hasCode = false;
  const end = (): void => {
    if (hasCode) statements.push(current.trim());
    current = "";
    hasCode = false;
  };
  for (const piece of sqlPieces(text)) {
    if (piece.kind !== "code") {
      current += piece.text;
      hasCode ||= piece.kind === "quoted";
      continue;
    }
    piece.text.split(";").forEach((part, i) => {
      if (i > 0) end();
      current += part;
      hasCode ||= part.trim() !== "";
    });
  }
  end();
  return statements;
}
