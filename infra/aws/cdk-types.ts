/** Bridges to aws-cdk-lib's interfaces: it is compiled without exactOptionalPropertyTypes, so its own classes do not fit them here. */

import type { IVpc, Vpc } from "aws-cdk-lib/aws-ec2";
import type { Cluster, ICluster } from "aws-cdk-lib/aws-ecs";
import type { INetworkLoadBalancer, NetworkLoadBalancer } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import type { Bucket, IBucket } from "aws-cdk-lib/aws-s3";
import type { ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";

export const asVpc = (vpc: Vpc): IVpc => vpc as IVpc;
export const asCluster = (cluster: Cluster): ICluster => cluster as ICluster;
export const asBalancer = (balancer: NetworkLoadBalancer): INetworkLoadBalancer =>
  balancer as INetworkLoadBalancer;
export const asSecret = (secret: Secret): ISecret => secret as ISecret;
export const asBucket = (bucket: Bucket): IBucket => bucket as IBucket;
