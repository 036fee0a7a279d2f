/** Numbers on the command line. */

import { InvalidArgumentError } from "commander";
import { unitsOf } from "../../shared/decimal.ts";

export function wholeNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

/** As the setting `stratum.processes` has it. */
export function edgeProcesses(text: string): number {
  const value = wholeNumber(text);
  if (value < 1 || value > 64) throw new InvalidArgumentError("expected a whole number from 1 to 64");
  return value;
}

export function secondsOption(text: string): number {
  const value = Number(text);
  const fits = /^\d+(\.\d+)?$/.test(text) && value >= 0.2 && value <= 86_400;
  if (!fits) throw new InvalidArgumentError("expected seconds from 0.2 to 86400");
  return value;
}

/** 0 to 1. */
export function fraction(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 1)
    throw new InvalidArgumentError("expected a number from 0 to 1");
  return value;
}

/** PEG as 1e-8 PEG. */
export function pegOption(text: string): bigint {
  if (!/^\d{1,11}(\.\d{1,8})?$/.test(text))
    throw new InvalidArgumentError("expected an amount of PEG with at most 8 decimals, like 12.5");
  return unitsOf(text);
}

export function trueOrFalse(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("expected true or false");
}
