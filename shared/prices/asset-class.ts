/** The class of each priced asset. Its market's hours, and how far its quotes may differ, depend on it (docs/spec.md, "Market hours"). */

const words = (list: string): readonly string[] => Object.freeze(list.trim().split(/\s+/));

/** Currencies besides USD. */
export const FIAT = words(`
  EUR JPY GBP CAD CHF INR SGD CNY HKD KRW BRL PHP MXN AUD NZD SEK NOK RUB ZAR TRY
  AED ARS TWD RWF KES UGX TZS BIF ETB NGN`);

/** Troy ounces; palladium and platinum in V1 only. */
export const METALS = words("XAU XAG XPD XPT");

/** Coins with a market somewhere, or once. XBT is Bitcoin, XBC Bitcoin Cash; EOS is Vaulta's A today, 1:1. */
export const COINS = words(`
  XBT ETH LTC RVN XBC FCT BNB XLM ADA XMR DASH ZEC DCR EOS LINK ATOM BAT XTZ
  HBAR NEO CRO ETC ONT DOGE VET HT ALGO DGB`);

export type AssetClass = "usd" | "fiat" | "metal" | "coin";

const CLASSES: ReadonlyMap<string, AssetClass> = new Map([
  ["USD", "usd"],
  ...FIAT.map((asset) => [asset, "fiat"] as const),
  ...METALS.map((asset) => [asset, "metal"] as const),
]);

/** Unknown names are coins: their market never rests. */
export function classOf(asset: string): AssetClass {
  return CLASSES.get(asset) ?? "coin";
}
