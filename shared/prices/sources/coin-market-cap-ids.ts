/** CoinMarketCap's numbers of the coins, which AlternativeMe uses too. A symbol may be another coin's; a number is not. */

import { symbolMap } from "../source.ts";

export const COIN_MARKET_CAP_IDS = symbolMap(`
  XBT 1 ETH 1027 LTC 2 RVN 2577 XBC 1831 FCT 1087 BNB 1839 XLM 512 ADA 2010 XMR 328 DASH 131 ZEC 1437 DCR 1168 PEG 4979
  EOS 1765 LINK 1975 ATOM 3794 BAT 1697 XTZ 2011 HBAR 4642 NEO 1376 CRO 3635 ETC 1321 ONT 2566 DOGE 74 VET 3077 HT 2502
  ALGO 4030 DGB 109`);
