/** The guide as it is typed here: its blocks, and which of them have been followed. */

import { type GuideBlock, guideBlocks } from "../../support/guide.ts";

/** Done by each suite that runs; here a server has no way out of it. */
const NOT_HERE = /^(?:apt-get|certbot) .*$/gm;
/** They ask a person; a program says --yes. */
const ASKING = /^(prosper (?:payout sign|payout send|restore|db admin) .*)$/gm;

/** What has been typed, as it stands on the page. */
const followed = new Set<string>();

/** The block of a heading that has the words, to be typed. */
export function block(heading: string, words: string): { who: string; text: string } {
  const found = guideBlocks().filter((each) => each.heading === heading && each.text.includes(words));
  if (found[0] === undefined || found.length > 1)
    throw new Error(
      `docs/operating.md, "${heading}": expected one block with ${words}, found ${found.length}`,
    );
  const { who, text } = found[0];
  followed.add(text);
  return { who, text: text.replaceAll(NOT_HERE, ":").replaceAll(ASKING, "$1 --yes") };
}

/** All blocks of a heading, as they stand on the page. */
export function guideText(heading: string): string {
  return guideBlocks()
    .filter((each) => each.heading === heading)
    .map(({ text }) => text)
    .join("");
}

/** The blocks that nothing has typed yet. */
export function notFollowed(): GuideBlock[] {
  return guideBlocks().filter(({ text }) => !followed.has(text));
}
