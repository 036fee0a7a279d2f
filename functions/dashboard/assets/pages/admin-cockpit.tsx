/** For the operator: what the pool's doctor finds, what is wrong first, each with what mends it. */

import { useSignal } from "@preact/signals";
import type { DoctorView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Ago, Tag } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count } from "../format.ts";
import { request } from "../live/api.ts";
import { attempt, refreshNow } from "../live/fresh.ts";
import { watch } from "../live/watch.ts";
import { OperatorHead } from "../parts/operator.tsx";

type Finding = DoctorView["findings"][number];

const REFRESH_MS = 5_000;
const doctor = watch<DoctorView>("/api/admin/doctor", REFRESH_MS);

/** What stands between backticks is a command or another check. */
function Said({ children }: { children: string }) {
  return (
    <span class="said">
      {children.split("`").map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}
    </span>
  );
}

const COLUMNS: readonly Column<Finding>[] = [
  { title: "Check", cell: (finding) => finding.check },
  { title: "Found", cell: (finding) => <Said>{finding.said}</Said> },
  {
    title: "",
    cell: (finding) => finding.level === "skipped" && <Tag title="not to be had here">not looked at</Tag>,
  },
];

function CockpitPage() {
  return (
    <>
      <OperatorHead title="Cockpit" />
      <Found view={doctor.value} />
    </>
  );
}

function Found({ view }: { view: DoctorView | undefined }) {
  if (view === undefined)
    return (
      <Card title="To mend">
        <Loading />
      </Card>
    );
  if (!view.here)
    return (
      <Card title="To mend">
        <Empty title="No pool runs in this process">
          Ask on its machine, with its settings and folder: npx prosper doctor. On AWS the alarms do it.
        </Empty>
      </Card>
    );
  const of = (...levels: Finding["level"][]): Finding[] =>
    view.findings.filter(({ level }) => levels.includes(level));
  const [reds, warnings, others] = [of("red"), of("warn"), of("ok", "skipped")];
  const skipped = of("skipped").length;
  const said = `${count(others.length - skipped)} in order${skipped === 0 ? "" : `, ${count(skipped)} not looked at`}`;
  return (
    <>
      <Card title={reds.length === 0 ? "To mend" : `To mend: ${reds.length}`} aside={<Again view={view} />}>
        {view.lookedAt === null ? <Loading /> : <Cures findings={reds} none="Nothing to mend" />}
      </Card>
      {warnings.length > 0 && (
        <Card title={`To look at: ${warnings.length}`}>
          <Cures findings={warnings} none="" />
        </Card>
      )}
      {others.length > 0 && (
        <Card title="Nothing to do" aside={<span class="reading">{said}</span>}>
          <Table
            label="in order"
            columns={COLUMNS}
            rows={others}
            keyOf={(finding) => `${finding.check} ${finding.said}`}
          />
        </Card>
      )}
    </>
  );
}

function Again({ view }: { view: DoctorView }) {
  const isAsking = useSignal(false);
  const again = async (): Promise<void> => {
    isAsking.value = true;
    await attempt(async () => {
      await request("POST", "/api/admin/doctor");
      await refreshNow();
    });
    isAsking.value = false;
  };
  return (
    <span class="looked">
      <span class="small muted">{view.lookedAt !== null && <Ago at={view.lookedAt} />}</span>
      <button type="button" disabled={isAsking.value || view.running} onClick={() => void again()}>
        Look again
      </button>
    </span>
  );
}

function Cures({ findings, none }: { findings: readonly Finding[]; none: string }) {
  if (findings.length === 0) return <Empty title={none}>Every check is made anew while you look.</Empty>;
  return (
    <ul class="cures">
      {findings.map((finding) => (
        <li key={`${finding.check} ${finding.said}`}>
          <Tag kind={finding.level === "red" ? "bad" : "warn"}>{finding.check}</Tag>
          <p>
            <Said>{finding.said}</Said>
          </p>
          <p class="cure">
            <Said>{finding.mend ?? ""}</Said>
          </p>
        </li>
      ))}
    </ul>
  );
}

mount(CockpitPage);
