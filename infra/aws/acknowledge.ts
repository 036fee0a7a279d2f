/** Findings of cdk-nag that are accepted, each with its reason. All others must be fixed. */

import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** With this context key every finding is reported: to look at all of them, and to test that the checks run. */
const NO_ACKNOWLEDGEMENTS = "withoutAcknowledgements";

/** `rules` are AwsSolutions numbers: `EC23`, or `IAM5[Resource::*]` for one finding of a rule. */
export function acknowledge(scope: IConstruct, rules: Readonly<Record<string, string>>): void {
  if (scope.node.tryGetContext(NO_ACKNOWLEDGEMENTS) === true) return;
  Validations.of(scope).acknowledge(
    ...Object.entries(rules).map(([rule, reason]) => ({ id: `AwsSolutions::AwsSolutions-${rule}`, reason })),
  );
}
