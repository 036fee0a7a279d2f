/** A Fargate task of the edge's image: for arm64, with two roles of its own (what runs in it, and what starts it). */

import {
  CpuArchitecture,
  FargateTaskDefinition,
  type FargateTaskDefinitionProps,
  OperatingSystemFamily,
} from "aws-cdk-lib/aws-ecs";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

type Props = Required<Pick<FargateTaskDefinitionProps, "family" | "cpu" | "memoryLimitMiB" | "volumes">>;

export function armTask(scope: Construct, id: string, props: Props): FargateTaskDefinition {
  const task = new FargateTaskDefinition(scope, id, {
    ...props,
    runtimePlatform: {
      cpuArchitecture: CpuArchitecture.ARM64,
      operatingSystemFamily: OperatingSystemFamily.LINUX,
    },
  });
  acknowledge(task.obtainExecutionRole(), {
    "IAM5[Resource::*]": "ecr:GetAuthorizationToken has no resource to name; everything else is named.",
  });
  return task;
}
