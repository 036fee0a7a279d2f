/** The certificate that miners are shown: how long it is good for. */

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { readTlsKeys } from "../pool/stratum-settings.ts";
import { type Check, DAY_MS, ok, red, skipped, warn } from "./finding.ts";

const RED_DAYS = 7;
const WARN_DAYS = 21;

export const certificate: Check = {
  name: "certificate",
  async look({ config, clock }) {
    const { tlscert } = config.stratum;
    try {
      if (readTlsKeys(config) === undefined)
        return [skipped("no certificate is set: miners connect in plain text")];
      const { validTo, subject } = new X509Certificate(readFileSync(tlscert));
      const days = (Date.parse(validTo) - clock.wallMs()) / DAY_MS;
      const name = subject.replaceAll("\n", ", ");
      const said =
        days < 0
          ? `the certificate of ${name} ended on ${validTo}`
          : `the certificate of ${name} ends in ${Math.floor(days)} days`;
      const mend = `Renew ${tlscert} (certbot renew); the pool reads it again by itself`;
      return [days < RED_DAYS ? red(said, mend) : days < WARN_DAYS ? warn(said, mend) : ok(said)];
    } catch (thrown) {
      const mend = "Correct stratum.tlscert and stratum.tlskey: PEM files, the chain and its key";
      if (thrown instanceof CodedError) return [red(thrown.message, mend)];
      return [red(`${tlscert} is no certificate: ${coerceError(thrown).message}`, mend)];
    }
  },
};
