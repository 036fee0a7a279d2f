/** Where the pool is on the net: two kinds of subnet and no NAT, and the balancer that miners connect to. */

import { CfnOutput, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import {
  FlowLogDestination,
  FlowLogTrafficType,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { NetworkLoadBalancer } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { asVpc } from "./cdk-types.ts";
import { DEVNET_FEED_PORT, DEVNET_PORT } from "./devnet.ts";
import { HEALTH_PORT, STRATUM_PORT, STRATUM_TLS_PORT, type Stage, VPC_CIDR } from "./stages.ts";

const NFS_PORT = 2049;

export interface NetworkStackProps extends StackProps {
  readonly stage: Stage;
}

export class NetworkStack extends Stack {
  readonly vpc: IVpc;
  readonly balancer: NetworkLoadBalancer;
  readonly balancerGroup: SecurityGroup;
  readonly edgeGroup: SecurityGroup;
  readonly databaseGroup: SecurityGroup;
  /** Of the stage's own Factom network, and of the disk that its chain is on; undefined where the stage has none. */
  readonly devnetGroups: { readonly node: SecurityGroup; readonly chain: SecurityGroup } | undefined;

  constructor(scope: Construct, id: string, props: NetworkStackProps) {
    super(scope, id, props);
    const { stage } = props;
    const vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr(VPC_CIDR),
      maxAzs: stage.zones,
      // Edges have public addresses, but nobody can connect to them. This is cheaper than a gateway, and one part less that can fail.
      natGateways: 0,
      subnetConfiguration: [
        { name: "edge", subnetType: SubnetType.PUBLIC, cidrMask: 22, mapPublicIpOnLaunch: false },
        { name: "database", subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      restrictDefaultSecurityGroup: false,
    });
    this.vpc = asVpc(vpc);
    this.#logRefusedTraffic(stage);
    this.balancerGroup = new SecurityGroup(this, "BalancerGroup", {
      vpc: this.vpc,
      description: "The balancer that miners connect to",
      allowAllOutbound: false,
    });
    this.edgeGroup = new SecurityGroup(this, "EdgeGroup", {
      vpc: this.vpc,
      description: "Edges: reached by the balancer only",
    });
    this.databaseGroup = new SecurityGroup(this, "DatabaseGroup", {
      vpc: this.vpc,
      description: "The database: reached by edges only",
      allowAllOutbound: false,
    });
    for (const port of [STRATUM_PORT, ...(stage.edge.hasTls ? [STRATUM_TLS_PORT] : [])]) {
      this.balancerGroup.addIngressRule(Peer.anyIpv4(), Port.tcp(port), "miners");
      this.edgeGroup.addIngressRule(this.balancerGroup, Port.tcp(port), "miners by the balancer");
      this.balancerGroup.addEgressRule(this.edgeGroup, Port.tcp(port), "miners to edges");
    }
    this.edgeGroup.addIngressRule(this.balancerGroup, Port.tcp(HEALTH_PORT), "the balancer asks for health");
    this.balancerGroup.addEgressRule(this.edgeGroup, Port.tcp(HEALTH_PORT), "to ask edges for their health");
    acknowledge(this.balancerGroup, {
      EC23: "Miners connect from anywhere; only the stratum ports are open.",
    });
    this.databaseGroup.addIngressRule(this.edgeGroup, Port.tcp(5432), "edges");
    if (stage.devnet !== undefined) this.devnetGroups = this.#devnetGroups();
    this.balancer = new NetworkLoadBalancer(this, "Balancer", {
      vpc: this.vpc,
      internetFacing: true,
      securityGroups: [this.balancerGroup],
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      // A zone without a healthy edge must not lose its miners.
      crossZoneEnabled: true,
      deletionProtection: stage.isProtected,
    });
    acknowledge(this.balancer, {
      ELB2: "A network balancer logs connections of TLS listeners only; TLS ends in the edge, which counts its connections itself.",
    });
    new CfnOutput(this, "StratumHost", { value: this.balancer.loadBalancerDnsName });
  }

  /** The chain's own node is for edges; its prices anybody may read, since the function that wants them is outside. */
  #devnetGroups(): NonNullable<NetworkStack["devnetGroups"]> {
    const { vpc } = this;
    const devnet = new SecurityGroup(this, "DevnetGroup", {
      vpc,
      description: "The Factom network of the stage",
    });
    devnet.addIngressRule(this.edgeGroup, Port.tcp(DEVNET_PORT), "edges ask factomd");
    devnet.addIngressRule(this.balancerGroup, Port.tcp(DEVNET_FEED_PORT), "prices by the balancer");
    this.balancerGroup.addIngressRule(Peer.anyIpv4(), Port.tcp(DEVNET_FEED_PORT), "prices, for reading");
    this.balancerGroup.addEgressRule(devnet, Port.tcp(DEVNET_FEED_PORT), "to ask for prices");
    const chain = new SecurityGroup(this, "ChainGroup", {
      vpc,
      description: "The disk with the chain",
      allowAllOutbound: false,
    });
    chain.addIngressRule(devnet, Port.tcp(NFS_PORT), "the Factom network");
    return { node: devnet, chain };
  }

  /** What was refused is worth a look after an incident; what passed is counted by the edges. */
  #logRefusedTraffic(stage: Stage): void {
    const logGroup = new LogGroup(this, "RefusedTraffic", {
      logGroupName: `/prosper/${stage.name}/refused-traffic`,
      retention: RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.vpc.addFlowLog("RefusedTraffic", {
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toCloudWatchLogs(logGroup),
    });
  }
}
