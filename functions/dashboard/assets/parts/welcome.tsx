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
          <b>Hash rates</b> of the pool are credited work over time; the network's is that and an estimate of
          the others' work.
        </li>
        <li>
          <b>Luck</b> compares the paid places we won with those our part of the work wins on average. Within
          twice the ± it is chance.
        </li>
        <li>
          <b>Sealed</b> blocks are final: fee, miners' part and carry add up to the reward.
        </li>
      </ul>
    </Card>
  );
}
