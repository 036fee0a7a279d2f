/** A Factom network of the stage's own, so that a pool can be tried with an AWS account alone: one task of the edge's image, its chain on a file system that outlives it. */

import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { SubnetType } from "aws-cdk-lib/aws-ec2";
import {
  Cluster,
  type ContainerImage,
  ContainerInsights,
  FargateService,
  LogDrivers,
} from "aws-cdk-lib/aws-ecs";
import { FileSystem } from "aws-cdk-lib/aws-efs";
import { NetworkListener, NetworkTargetGroup, Protocol } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { DnsRecordType, PrivateDnsNamespace } from "aws-cdk-lib/aws-servicediscovery";
import type { Construct } from "constructs";
import { creditAddress } from "../pool/key-addresses.ts";
import { armTask } from "./arm-task.ts";
import { asBalancer, asCluster } from "./cdk-types.ts";
import { DEVNET_FEED_PORT, DEVNET_PORT, devnetDomain, TRY_KEYS } from "./devnet.ts";
import { CONTAINER } from "./edge-settings.ts";
import type { NetworkStack } from "./network-stack.ts";
import { logRetention } from "./retention.ts";
import type { Devnet, Stage } from "./stages.ts";

export interface DevnetStackProps extends StackProps {
  readonly stage: Stage;
  readonly devnet: Devnet;
  readonly network: NetworkStack;
  readonly image: ContainerImage;
}

/** What the container runs, after `prosper`. */
export function devnetCommand(stage: Stage): string[] {
  const { blockSeconds, lxrBits } = stage.pool;
  return [
    ...[
      "devnet",
      "--json",
      "--host",
      "0.0.0.0",
      "--port",
      `${DEVNET_PORT}`,
      "--feed-port",
      `${DEVNET_FEED_PORT}`,
    ],
    ...["--block-seconds", `${blockSeconds}`, "--bits", `${lxrBits}`],
    ...["--data-dir", `${CONTAINER.dataDir}/devnet`, "--ec", creditAddress(TRY_KEYS.es)],
  ];
}

/** Answers as long as the chain is served. */
const IS_ALIVE = `fetch("http://127.0.0.1:${DEVNET_PORT}/control").then((reply)=>process.exit(reply.ok?0:1),()=>process.exit(1))`;

export class DevnetStack extends Stack {
  readonly service: FargateService;

  constructor(scope: Construct, id: string, props: DevnetStackProps) {
    super(scope, id, props);
    const { stage, network } = props;
    const { devnetGroups: groups } = network;
    if (groups === undefined) throw new Error("the network was made for a stage without a devnet");
    const { vpc } = network;
    const [user = "", group = ""] = CONTAINER.user.split(":");
    const chain = new FileSystem(this, "Chain", {
      vpc,
      encrypted: true,
      securityGroup: groups.chain,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const folder = chain.addAccessPoint("Folder", {
      path: "/devnet",
      posixUser: { uid: user, gid: group },
      createAcl: { ownerUid: user, ownerGid: group, permissions: "700" },
    });
    const task = armTask(this, "Task", {
      family: `prosper-${stage.name}-devnet`,
      cpu: props.devnet.cpu,
      memoryLimitMiB: props.devnet.memoryMiB,
      volumes: [
        {
          name: "chain",
          efsVolumeConfiguration: {
            fileSystemId: chain.fileSystemId,
            transitEncryption: "ENABLED",
            authorizationConfig: { accessPointId: folder.accessPointId, iam: "ENABLED" },
          },
        },
      ],
    });
    task.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        resources: [chain.fileSystemArn],
      }),
    );
    const container = task.addContainer("devnet", {
      image: props.image,
      command: devnetCommand(stage),
      logging: LogDrivers.awsLogs({
        streamPrefix: "devnet",
        logGroup: new LogGroup(this, "Log", {
          logGroupName: `/prosper/${stage.name}/devnet`,
          retention: logRetention(stage.logDays),
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      }),
      readonlyRootFilesystem: true,
      user: CONTAINER.user,
      healthCheck: {
        command: ["CMD", "node", "-e", IS_ALIVE],
        interval: Duration.seconds(15),
        retries: 4,
        startPeriod: Duration.seconds(120),
      },
      portMappings: [{ containerPort: DEVNET_PORT }, { containerPort: DEVNET_FEED_PORT }],
    });
    container.addMountPoints({ sourceVolume: "chain", containerPath: CONTAINER.dataDir, readOnly: false });
    this.service = new FargateService(this, "Service", {
      cluster: asCluster(
        new Cluster(this, "Cluster", { vpc, containerInsightsV2: ContainerInsights.ENABLED }),
      ),
      taskDefinition: task,
      serviceName: `prosper-${stage.name}-devnet`,
      // Off with the pool: the chain stands, and goes on where it was.
      desiredCount: stage.edge.tasks > 0 ? 1 : 0,
      // One at a time: two of them would write one chain.
      minHealthyPercent: 0,
      maxHealthyPercent: 100,
      circuitBreaker: { rollback: true },
      assignPublicIp: true,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      securityGroups: [groups.node],
      cloudMapOptions: {
        name: "devnet",
        cloudMapNamespace: new PrivateDnsNamespace(this, "Names", { name: devnetDomain(stage.name), vpc }),
        dnsRecordType: DnsRecordType.A,
        dnsTtl: Duration.seconds(10),
      },
      healthCheckGracePeriod: Duration.minutes(3),
    });
    this.#serveFeed(network);
    new CfnOutput(this, "Feed", { value: feedOf(network) });
  }

  /** The poll function is outside of the network: it reads the prices over the internet, and so can everybody. */
  #serveFeed(network: NetworkStack): void {
    const targets = new NetworkTargetGroup(this, "FeedTargets", {
      vpc: network.vpc,
      port: DEVNET_FEED_PORT,
      protocol: Protocol.TCP,
      targets: [
        this.service.loadBalancerTarget({ containerName: "devnet", containerPort: DEVNET_FEED_PORT }),
      ],
      preserveClientIp: false,
      deregistrationDelay: Duration.seconds(0),
      healthCheck: { protocol: Protocol.HTTP, path: "/prices" },
    });
    new NetworkListener(this, "FeedListener", {
      loadBalancer: asBalancer(network.balancer),
      port: DEVNET_FEED_PORT,
      protocol: Protocol.TCP,
      defaultTargetGroups: [targets],
    });
  }
}

/** Where the poll function asks for prices. */
export function feedOf(network: NetworkStack): string {
  return `http://${network.balancer.loadBalancerDnsName}:${DEVNET_FEED_PORT}/prices`;
}
