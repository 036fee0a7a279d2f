/** What this is, for who has never heard of it, and how its figures are read. */

import { Card } from "../components/card.tsx";

export function Welcome() {
  return (
    <section class="welcome" aria-label="What this is">
      <p>
        PegNet is a network on the Factom blockchain whose miners put the prices of currencies, metals and
        coins on record; every ten minutes it pays its own token, <b>PEG</b>, for the 25 best records. In this
        pool many miners search together, and each is paid its part of the PEG by the work it did, to its{" "}
        <b>FA address</b>: a Factom address whose key you alone keep, made by any Factom wallet (
        <code>factom-cli newfctaddress</code>).
      </p>
      <p>
        <a class="button primary" href="#connect">
          Connect a miner
        </a>{" "}
        <a class="button" href="/register">
          Register
        </a>
      </p>
    </section>
  );
}

export function HowToRead() {
  return (
    <Card title="How to read these figures">
      <ul class="explain small muted">
        <li>
          <b>Hash rates</b> of the pool are credited work over time, so they are exact over long spans and
          rough over short ones. The network's is an estimate from the difficulty of each block's last graded
          record, good to some 15 % in a single block.
        </li>
        <li>
          <b>Luck</b> compares the paid places we won with those our part of the network's work should win on
          average. Within one or two of the ± it is chance; grading also rewards good prices, so it need not
          be 100 %.
        </li>
        <li>
          <b>Sealed</b> blocks are final: fee, miners' part and carry add up to the reward to the last 1e-8
          PEG, and nothing in them is changed again.
        </li>
      </ul>
    </Card>
  );
}
