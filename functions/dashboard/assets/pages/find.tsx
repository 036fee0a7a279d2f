/** Find my miner: what its owner shows of a user. */

import { signal } from "@preact/signals";
import type { FoundMinersView } from "../../../api/views/public-miner.ts";
import { Card, Empty, Loading, PageHead, Tile, Tiles } from "../components/card.tsx";
import { mount } from "../components/frame.tsx";
import { count, hashrateParts, peg } from "../format.ts";
import { get } from "../live/api.ts";
import { keepFresh } from "../live/fresh.ts";
import { SearchForm } from "../parts/search-form.tsx";

type Miner = FoundMinersView["miners"][number];

const REFRESH_MS = 30_000;
const who = (new URLSearchParams(location.search).get("who") ?? "").trim();
const found = signal<FoundMinersView | undefined>(who === "" ? { miners: [] } : undefined);

if (who !== "")
  keepFresh(REFRESH_MS, async () => {
    found.value = (await get<FoundMinersView>(`/api/find?${new URLSearchParams({ who })}`)).body;
  });

function FindPage() {
  const shown = found.value;
  return (
    <>
      <PageHead title="Find my miner" about="What a miner's owner lets everybody see.">
        <SearchForm
          label="Name or FA address"
          value={who}
          search={(text) => location.assign(`/find?${new URLSearchParams({ who: text })}`)}
        />
      </PageHead>
      {shown === undefined && (
        <Card title="Looking">
          <Loading />
        </Card>
      )}
      {shown?.miners.map((miner) => (
        <MinerCard key={miner.name} miner={miner} />
      ))}
      {shown?.miners.length === 0 && (
        <Card title={who === "" ? "Whom?" : "Nothing to show"}>
          <Empty
            title={who === "" ? "Type in a user name or an FA address" : "Nobody of this name shows anything"}
          >
            {who !== "" && (
              <>
                Is it you? <a href="/whoami">Choose what others may see</a>; it is nothing at first.
              </>
            )}
          </Empty>
        </Card>
      )}
    </>
  );
}

function MinerCard({ miner }: { miner: Miner }) {
  const { name, address, hashrateShort, hashrateLong, workers, earned, paid } = miner;
  return (
    <section aria-label={name}>
      <h2 class="name">{name}</h2>
      {address !== null && <p class="small muted name">paid to {address}</p>}
      <Tiles label={`Figures of ${name}`}>
        {hashrateShort !== null && (
          <Tile name="Now" figure={hashrateParts(hashrateShort)} note="last 10 min" kind="lead" />
        )}
        {hashrateLong !== null && (
          <Tile name="Steady" figure={hashrateParts(hashrateLong)} note="last 60 min" />
        )}
        {workers !== null && (
          <Tile
            name="Workers"
            figure={{ value: count(workers.online) }}
            note={`work, ${count(workers.offline)} are offline`}
          />
        )}
        {earned !== null && (
          <Tile
            name="Earned"
            figure={{ value: peg(earned), unit: "PEG" }}
            note={`${peg(paid)} PEG paid out`}
          />
        )}
      </Tiles>
    </section>
  );
}

mount(FindPage);
