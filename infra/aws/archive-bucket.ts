/** The bucket that deltas of sealed blocks move to (docs/design.md, "The archive of deltas"): no file in it is ever changed. */

import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { Stage } from "./stages.ts";

/** Other stacks know the bucket by this output of its own. */
const ARN_OUTPUT = "ExportsOutputFnGetAttArchiveDA4CB258ArnBE8F3792";
/** A version that was written over or deleted can be brought back for so long. */
const OLD_VERSIONS = Duration.days(90);

export function archiveBucket(scope: Construct, { isProtected }: Stage): Bucket {
  const bucket = new Bucket(scope, "Archive", {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    versioned: true,
    lifecycleRules: [
      { noncurrentVersionExpiration: OLD_VERSIONS, abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
    removalPolicy: isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
  acknowledge(bucket, {
    S1: "One function writes, and a task and a command read; the database has each file's hash.",
  });
  return bucket;
}

/** Nobody gets the right to delete. Without the right to list, a file that is missing could not be told from one that is refused. */
export function grantArchive(
  grantee: IGrantable,
  bucket: IBucket,
  actions: readonly ("s3:GetObject" | "s3:PutObject")[],
): void {
  const allow = (names: string[], resource: string): void =>
    void grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: names, resources: [resource] }),
    );
  allow([...actions], bucket.arnForObjects("*"));
  allow(["s3:ListBucket"], bucket.bucketArn);
  const { grantPrincipal: role } = grantee;
  if (Construct.isConstruct(role))
    acknowledge(role, {
      [`IAM5[Resource::${Stack.of(bucket).stackName}:${ARN_OUTPUT}/*]`]:
        "Files are named by their blocks; the bucket holds nothing else.",
    });
}
