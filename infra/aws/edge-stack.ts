/** The edges: Fargate tasks on arm64 behind the balancer, replaced one by one without losing a share (reliability of a rolling deploy). */

import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { Schedule } from "aws-cdk-lib/aws-applicationautoscaling";
import { type IMetric, Metric } from "aws-cdk-lib/aws-cloudwatch";
import { SubnetType } from "aws-cdk-lib/aws-ec2";
import {
  CfnService,
  Cluster,
  type ContainerImage,
  ContainerInsights,
  Secret as EcsSecret,
  FargateService,
  type FargateTaskDefinition,
  LogDrivers,
} from "aws-cdk-lib/aws-ecs";
import { NetworkListener, NetworkTargetGroup, Protocol } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { METRIC_NAMESPACE } from "../../shared/embedded-metrics.ts";
import type { EdgeMetric } from "../pool/edge-report.ts";
import { acknowledge } from "./acknowledge.ts";
import { armTask } from "./arm-task.ts";
import { asBalancer, asCluster } from "./cdk-types.ts";
import type { ControlStack } from "./control-stack.ts";
import type { DataStack } from "./data-stack.ts";
import { watchEdges } from "./edge-alarms.ts";
import { databaseSecrets } from "./edge-database.ts";
import { CONTAINER, edgeEnvironment, edgeSecretName } from "./edge-settings.ts";
import type { NetworkStack } from "./network-stack.ts";
import { addReplayTask } from "./replay-task.ts";
import { logRetention } from "./retention.ts";
import { PERIOD } from "./runbook-alarm.ts";
import { HEALTH_PORT, STRATUM_PORT, STRATUM_TLS_PORT, type Stage } from "./stages.ts";

export interface EdgeStackProps extends StackProps {
  readonly stage: Stage;
  readonly network: NetworkStack;
  readonly data: DataStack;
  readonly control: ControlStack;
  readonly image: ContainerImage;
}

/** The longest that Fargate allows. In this time an edge closes its miners in waves, then hands over what it has acknowledged. */
const STOP = Duration.seconds(120);
/**
 * Open connections stay during it; new ones go to other edges. Balancers were seen to go on sending for up to two minutes
 * (aws/containers-roadmap#470), and ECS stops the edge only after it.
 */
const DEREGISTRATION = Duration.seconds(150);
/** A job lasts ten minutes, so a good miner may be silent for as long. */
const TCP_IDLE = Duration.seconds(1200);
const CPU_TARGET = 60;
/** Of the connections that an edge may hold: 12,000 of 20,000. The rest is for those of an edge that is gone, and for the minutes until a new one mines. */
const CONNECTIONS_TARGET = 0.6;

export class EdgeStack extends Stack {
  readonly service: FargateService;
  readonly #network: NetworkStack;
  readonly #log: LogGroup;
  readonly #stage: Stage;

  constructor(scope: Construct, id: string, props: EdgeStackProps) {
    super(scope, id, props);
    const { stage, network, control } = props;
    this.#network = network;
    this.#stage = stage;
    const cluster = asCluster(
      new Cluster(this, "Cluster", {
        vpc: network.vpc,
        containerInsightsV2: ContainerInsights.ENABLED,
      }),
    );
    this.#log = new LogGroup(this, "Log", {
      logGroupName: `/prosper/${stage.name}/edge`,
      retention: logRetention(stage.logDays),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const task = this.#task(props);
    addReplayTask(this, { stage, data: props.data, image: props.image, log: this.#log });
    const { maxTasks, tasks } = stage.edge;
    this.service = new FargateService(this, "Service", {
      cluster,
      taskDefinition: task,
      serviceName: `prosper-${stage.name}-edge`,
      desiredCount: tasks,
      // A new edge mines before an old one goes.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      assignPublicIp: true,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      securityGroups: [network.edgeGroup],
      // The table is read and the journal recovered before the first health check counts.
      healthCheckGracePeriod: Duration.minutes(5),
    });
    control.summaries.queue.grantSendMessages(task.taskRole);
    task.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ["lambda:InvokeFunction"],
        resources: [control.functions.auth.functionArn],
      }),
    );
    this.#listen("Stratum", STRATUM_PORT);
    if (stage.edge.hasTls) this.#listen("StratumTls", STRATUM_TLS_PORT);
    if (maxTasks > tasks && tasks > 0) this.#scale(stage);
    watchEdges(this, { stage, balancer: network.balancer, log: this.#log });
    new CfnOutput(this, "ServiceName", { value: this.service.serviceName });
    new CfnOutput(this, "ClusterName", { value: cluster.clusterName });
  }

  /** Open connections, and new ones a minute, of all edges together. */
  connectionMetrics(): IMetric[] {
    const { balancer } = this.#network;
    return [
      balancer.metrics.activeFlowCount({ period: PERIOD, statistic: "Maximum" }),
      balancer.metrics.newFlowCount({ period: PERIOD }),
    ];
  }

  /** What the edges publish themselves, each once a minute: a sum is the whole fleet's, an average an edge's. */
  edgeMetric(metricName: EdgeMetric, statistic: "Sum" | "Average" | "Maximum" | "Minimum"): Metric {
    return new Metric({
      ...{ namespace: METRIC_NAMESPACE, metricName, statistic, period: PERIOD },
      dimensionsMap: { Stage: this.#stage.name },
    });
  }

  #task(props: EdgeStackProps): FargateTaskDefinition {
    const { stage, data } = props;
    const task = armTask(this, "Task", {
      family: `prosper-${stage.name}-edge`,
      cpu: stage.edge.cpu,
      memoryLimitMiB: stage.edge.memoryMiB,
      volumes: [{ name: "data" }],
    });
    const edgeSecrets = this.#edgeSecrets(task);
    // A changed password is read while the edge runs.
    data.roleSecrets.edge.grantRead(task.taskRole);
    const container = task.addContainer("edge", {
      image: props.image,
      environment: edgeEnvironment({
        stage,
        queueUrl: props.control.summaries.queue.queueUrl,
        authFunction: props.control.functions.auth.functionName,
        region: this.region,
      }),
      secrets: { ...databaseSecrets(data), ...edgeSecrets },
      logging: LogDrivers.awsLogs({
        streamPrefix: "edge",
        logGroup: this.#log,
      }),
      stopTimeout: STOP,
      readonlyRootFilesystem: true,
      user: CONTAINER.user,
      healthCheck: {
        command: ["CMD", ...CONTAINER.healthCommand],
        interval: Duration.seconds(15),
        timeout: Duration.seconds(5),
        retries: 4,
        startPeriod: Duration.seconds(300),
      },
      portMappings: [...[STRATUM_PORT, ...(stage.edge.hasTls ? [STRATUM_TLS_PORT] : [])], HEALTH_PORT].map(
        (containerPort) => ({ containerPort }),
      ),
    });
    container.addMountPoints({ sourceVolume: "data", containerPath: CONTAINER.dataDir, readOnly: false });
    acknowledge(task, {
      ECS2: "The variables are addresses and settings; what is secret comes from Secrets Manager.",
    });
    return task;
  }

  /** From the secret that the operator made. A network of one's own has keys that are none, and needs nothing made before. */
  #edgeSecrets(task: FargateTaskDefinition): Record<string, EcsSecret> {
    const stage = this.#stage;
    if (stage.devnet !== undefined) return {};
    const secret = Secret.fromSecretNameV2(this, "EdgeSecret", edgeSecretName(stage));
    const field = (name: string): EcsSecret => EcsSecret.fromSecretsManager(secret, name);
    if (!stage.edge.hasTls) return { PROSPER_ES_ADDRESS: field("esAddress") };
    // A renewed certificate is read while the edge runs.
    secret.grantRead(task.taskRole);
    return {
      PROSPER_ES_ADDRESS: field("esAddress"),
      STRATUM_TLS_KEY: field("tlsKey"),
      STRATUM_TLS_CERT: field("tlsCert"),
    };
  }

  /**
   * Between `tasks` and `maxTasks` edges, by what fills one: connections, or the CPU. The template says no number of edges then: a deployment would
   * set a fleet back to it that has grown.
   */
  #scale({ edge }: Stage): void {
    const { tasks, maxTasks, maxConnections } = edge;
    const scaling = this.service.autoScaleTaskCount({ minCapacity: tasks, maxCapacity: maxTasks });
    // Each edge that goes costs its miners a reconnection.
    const cooldown = { scaleInCooldown: Duration.minutes(30), scaleOutCooldown: Duration.minutes(2) };
    scaling.scaleOnCpuUtilization("Cpu", { targetUtilizationPercent: CPU_TARGET, ...cooldown });
    scaling.scaleToTrackCustomMetric("Connections", {
      metric: this.edgeMetric("Connections", "Average"),
      targetValue: Math.floor(CONNECTIONS_TARGET * maxConnections),
      ...cooldown,
    });
    // A new service begins with one edge, and one that was off with none: only a scheduled action lifts it to the least number by itself.
    scaling.scaleOnSchedule("Floor", {
      schedule: Schedule.rate(Duration.minutes(5)),
      minCapacity: tasks,
      maxCapacity: maxTasks,
    });
    const service = this.service.node.defaultChild;
    if (!(service instanceof CfnService)) throw new Error("the service has no resource of its own");
    service.addPropertyDeletionOverride("DesiredCount");
  }

  /** TLS ends in the edge, so both listeners pass bytes on, with the miner's address before them. */
  #listen(name: string, port: number): void {
    const targets = new NetworkTargetGroup(this, `${name}Targets`, {
      vpc: this.#network.vpc,
      port,
      protocol: Protocol.TCP,
      targets: [this.service.loadBalancerTarget({ containerName: "edge", containerPort: port })],
      proxyProtocolV2: true,
      // Connections come from the balancer's own addresses: 55,000 for each target, and miners behind one router do not collide.
      preserveClientIp: false,
      deregistrationDelay: DEREGISTRATION,
      // Liveness and open ports, nothing else: ECS replaces a task whose targets fail, and no restart brings a database or a block.
      healthCheck: {
        protocol: Protocol.HTTP,
        port: `${HEALTH_PORT}`,
        path: "/readyz",
        interval: Duration.seconds(10),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
    });
    // One bad minute of health checks must not cut thousands of good connections.
    targets.setAttribute("target_health_state.unhealthy.connection_termination.enabled", "false");
    targets.setAttribute("target_health_state.unhealthy.draining_interval_seconds", "60");
    targets.setAttribute("deregistration_delay.connection_termination.enabled", "false");
    new NetworkListener(this, `${name}Listener`, {
      loadBalancer: asBalancer(this.#network.balancer),
      port,
      protocol: Protocol.TCP,
      tcpIdleTimeout: TCP_IDLE,
      defaultTargetGroups: [targets],
    });
  }
}
