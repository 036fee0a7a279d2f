/** The times of the deployed templates, held to those of stage prod. */

import * as v from "valibot";
import { expect } from "vitest";
import { resourcesOf, synthesise } from "../../../support/aws/stage-templates.ts";
import { type DeployedPool, FACTOR } from "../deployed-pool.ts";

export async function compareTimes({ deployments, queue }: DeployedPool): Promise<void> {
  const { control } = synthesise("prod");
  const real = timesOf((type) => resourcesOf(control, type).map(([, { Properties }]) => Properties));
  const here = timesOf((wanted) =>
    Object.values(deployments.template().Resources).flatMap(({ Type, Properties }) =>
      Type === wanted ? [Properties] : [],
    ),
  );
  expect(real).toEqual({ visibility: 180, alarm: 360, block: 600, deadline: 1800 });
  expect(here).toEqual(Object.fromEntries(Object.entries(real).map(([name, time]) => [name, time / FACTOR])));
  expect(await queue.attributes("VisibilityTimeout")).toEqual({ VisibilityTimeout: `${here.visibility}` });
}

/** In seconds. `resources`: the properties of a template's resources of a type. */
function timesOf(resources: (type: string) => Record<string, unknown>[]) {
  const named = (type: string, key: string, end: RegExp) =>
    resources(type).find((properties) => end.test(String(properties[key])));
  const queue = v.parse(
    v.object({ VisibilityTimeout: v.number() }),
    named("AWS::SQS::Queue", "QueueName", /-summaries$/),
  );
  const alarm = v.parse(
    v.object({ Threshold: v.number() }),
    named("AWS::CloudWatch::Alarm", "AlarmName", /-summaries-oldest-message$/),
  );
  const seconds = v.pipe(v.string(), v.transform(Number));
  const variables = v.object({ BLOCK_SECONDS: seconds, SEAL_DEADLINE_SECONDS: seconds });
  const janitor = v.parse(
    v.object({ Environment: v.object({ Variables: variables }) }),
    named("AWS::Lambda::Function", "FunctionName", /-janitor$/),
  );
  const { BLOCK_SECONDS: block, SEAL_DEADLINE_SECONDS: deadline } = janitor.Environment.Variables;
  return { visibility: queue.VisibilityTimeout, alarm: alarm.Threshold, block, deadline };
}
