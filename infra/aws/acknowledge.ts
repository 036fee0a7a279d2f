/** Findings of cdk-nag that stand, each with its reason; everything else must be fixed. */

import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Context key under which every finding is told: for a look at all of them, and for the test that the checks run. */
const NO_ACKNOWLEDGEMENTS = "withoutAcknowledgements";

/** `rules` are AwsSolutions numbers: `EC23`, or `IAM5[Resource::*]` for one finding of a rule. */
export function acknowledge(scope: IConstruct, rules: Readonly<Record<string, string>>): void {
  if (scope.node.tryGetContext(NO_ACKNOWLEDGEMENTS) === true) return;
  Validations.of(scope).acknowledge(
    ...Object.entries(rules).map(([rule, reason]) => ({ id: `AwsSolutions::AwsSolutions-${rule}`, reason })),
  );
}
