/** The priced assets of each OPR version, in the order of the record, and where the versions begin (pegnet `modules/opr`). */

export const OPR_VERSIONS = [1, 2, 3, 4, 5] as const;
export type OprVersion = (typeof OPR_VERSIONS)[number];

const words = (list: string): readonly string[] => Object.freeze(list.trim().split(/\s+/));

const ASSETS_V1 = words(`
  PNT USD EUR JPY GBP CAD CHF INR SGD CNY HKD KRW BRL PHP MXN XAU XAG XPD XPT
  XBT ETH LTC RVN XBC FCT BNB XLM ADA XMR DASH ZEC DCR`);

/** PNT became PEG; palladium and platinum went. */
const ASSETS_V2 = words(`
  PEG USD EUR JPY GBP CAD CHF INR SGD CNY HKD KRW BRL PHP MXN XAU XAG
  XBT ETH LTC RVN XBC FCT BNB XLM ADA XMR DASH ZEC DCR`);

const ASSETS_V4 = Object.freeze([
  ...ASSETS_V2,
  ...words("AUD NZD SEK NOK RUB ZAR TRY EOS LINK ATOM BAT XTZ"),
]);

const ASSETS_V5 = Object.freeze([
  ...ASSETS_V4,
  ...words("HBAR NEO CRO ETC ONT DOGE VET HT ALGO DGB AED ARS TWD RWF KES UGX TZS BIF ETB NGN"),
]);

const ASSETS: Readonly<Record<OprVersion, readonly string[]>> = {
  1: ASSETS_V1,
  2: ASSETS_V2,
  3: ASSETS_V2,
  4: ASSETS_V4,
  5: ASSETS_V5,
};

/** Asset names in the order of the record: 32 in V1, 30 in V2 and V3, 42 in V4, 62 in V5. */
export function assetsOf(version: OprVersion): readonly string[] {
  return ASSETS[version];
}

/** The first block height of each version. If several versions begin at one height, the earlier ones are skipped. */
export type Activations = Readonly<Record<OprVersion, number>>;

export const MAINNET_ACTIVATIONS: Activations = {
  1: 206_421,
  2: 210_330,
  3: 222_270,
  4: 231_620,
  5: 258_796,
};

/** From this mainnet height on, transactions and conversions count. */
export const MAINNET_TRANSACTIONS_HEIGHT = 213_237;
/** From this mainnet height on, PEG has a price for conversions. */
export const MAINNET_PEG_PRICING_HEIGHT = 214_287;

/** The activations of a network that knows one version only, from height 0. */
export function onlyVersion(version: OprVersion): Activations {
  const at = (other: OprVersion): number => (other <= version ? 0 : Number.POSITIVE_INFINITY);
  return { 1: at(1), 2: at(2), 3: at(3), 4: at(4), 5: at(5) };
}

/**
 * The activations of a configured network. −1: the real one. 0: the newest version alone, from the start. Else versions 1 to 4 from height 0, and
 * version 5 from this height on.
 */
export function activationsFrom(height: number): Activations {
  if (height < 0) return MAINNET_ACTIVATIONS;
  return height === 0 ? onlyVersion(5) : { 1: 0, 2: 0, 3: 0, 4: 0, 5: height };
}

/** The version of OPRs written for `height`, null below the first activation. A pool mining height h+1 asks for h+1. */
export function versionAt(height: number, activations: Activations): OprVersion | null {
  return OPR_VERSIONS.findLast((version) => height >= activations[version]) ?? null;
}

/** True for 1 to 5. */
export function isOprVersion(value: number): value is OprVersion {
  return OPR_VERSIONS.some((version) => version === value);
}
