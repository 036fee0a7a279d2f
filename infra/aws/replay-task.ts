/**
 * Makes the books a second time when the operator starts it (docs/aws.md, "Watch it"): a function's quarter of an hour is not enough for years of
 * them. It may read the archive, and the database as an edge may; edges, which strangers talk to, may not read the archive.
 */

import { CfnOutput, Stack } from "aws-cdk-lib";
import { type ContainerImage, LogDrivers } from "aws-cdk-lib/aws-ecs";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { grantArchive } from "./archive-bucket.ts";
import { armTask } from "./arm-task.ts";
import { asBucket } from "./cdk-types.ts";
import type { DataStack } from "./data-stack.ts";
import { databaseSecrets } from "./edge-database.ts";
import { CONTAINER, DATABASE_VARIABLES } from "./edge-settings.ts";
import type { Stage } from "./stages.ts";

export interface ReplayTaskProps {
  readonly stage: Stage;
  readonly data: DataStack;
  readonly image: ContainerImage;
  readonly log: LogGroup;
}

/** It keeps one block's sums in memory, and a line for each user. */
const SIZE = { cpu: 1024, memoryLimitMiB: 4096 } as const;

export function addReplayTask(scope: Construct, { stage, data, image, log }: ReplayTaskProps): void {
  const task = armTask(scope, "Replay", {
    family: `prosper-${stage.name}-replay`,
    ...SIZE,
    volumes: [{ name: "data" }],
  });
  grantArchive(task.taskRole, asBucket(data.archive), ["s3:GetObject"]);
  const container = task.addContainer("replay", {
    image,
    command: ["audit", "--replay"],
    environment: {
      ...DATABASE_VARIABLES,
      PROSPER_ARCHIVE: `s3://${data.archive.bucketName}`,
      AWS_REGION: Stack.of(scope).region,
    },
    secrets: databaseSecrets(data),
    logging: LogDrivers.awsLogs({ streamPrefix: "replay", logGroup: log }),
    readonlyRootFilesystem: true,
    user: CONTAINER.user,
  });
  container.addMountPoints({ sourceVolume: "data", containerPath: CONTAINER.dataDir, readOnly: false });
  acknowledge(task, {
    ECS2: "The variables are settings; what is secret comes from Secrets Manager.",
  });
  new CfnOutput(scope, "ReplayTask", { value: task.family });
}
