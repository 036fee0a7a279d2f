/**
 * List prices in us-east-1 in USD, on demand, without free allowances: a source a line. Amazon's own pages could not be read from the machine that
 * made this table: `seen` says where the number was found, and when that was written. Prices of another day: change them here, and run
 * `npm run cost -- --write`.
 */

export interface ListPrice {
  readonly usd: number;
  readonly per: string;
  /** Amazon's page that decides. */
  readonly page: string;
  readonly seen: string;
}

const TABLE = "the cost table of release 0.1.0, 2026-11-28";
const price = (usd: number, per: string, page: string, seen = TABLE): ListPrice => ({
  usd,
  per,
  page: `https://aws.amazon.com/${page}/pricing/`,
  seen,
});

export const LIST_PRICES = {
  vcpu: price(0.03238, "vCPU and hour, Fargate on arm64", "fargate", "vantage.sh/blog/fargate-pricing, 2026"),
  memory: price(0.00356, "GB and hour, Fargate on arm64", "fargate", "vantage.sh/blog/fargate-pricing, 2026"),
  address: price(0.005, "public IPv4 address and hour", "vpc"),
  balancer: price(0.0225, "balancer and hour", "elasticloadbalancing", "clustercost.com, 2025"),
  balancerUnit: price(
    0.006,
    "capacity unit and hour: 100,000 connections, or 1 GB an hour",
    "elasticloadbalancing",
  ),
  acu: price(0.12, "Aurora capacity unit and hour", "rds/aurora", "c3x.dev and usage.ai, June 2026"),
  storage: price(0.1, "GB and month, Aurora Standard", "rds/aurora", "awsnegotiations.com, May 2026"),
  io: price(0.2, "million I/O, Aurora Standard", "rds/aurora"),
  backup: price(0.021, "GB and month of backup beyond the database's own size", "rds/aurora"),
  dataApi: price(0.35, "million calls of the Data API", "rds/aurora"),
  queue: price(0.4, "million calls of SQS", "sqs"),
  functionCall: price(0.2, "million calls of Lambda", "lambda", "cloudchipr.com, 2024; go-cloud.io, 2026"),
  functionTime: price(13.3334, "million GB-seconds of Lambda on arm64", "lambda", "cloudchipr.com, 2024"),
  egress: price(0.09, "GB out to the internet", "ec2/on-demand"),
  pages: price(0.085, "GB out of CloudFront", "cloudfront"),
  pageCalls: price(1, "million requests to CloudFront", "cloudfront"),
  logs: price(0.5, "GB into CloudWatch Logs", "cloudwatch", "factualminds.com, June 2026"),
  metric: price(0.3, "metric and month", "cloudwatch", "signoz.io, February 2026"),
  insight: price(0.07, "Container Insights metric and month", "cloudwatch"),
  alarm: price(0.1, "alarm and month", "cloudwatch", "factualminds.com, June 2026"),
  dashboard: price(3, "dashboard and month", "cloudwatch", "factualminds.com, June 2026"),
  secret: price(0.4, "secret and month", "secrets-manager"),
  key: price(1, "key and month", "kms"),
  disk: price(0.3, "GB and month, EFS", "efs"),
  zone: price(0.5, "private DNS zone and month", "route53"),
  object: price(0.023, "GB and month, S3", "s3"),
  objectCalls: price(5, "million writes to S3", "s3", "cloudkaramchari.com, undated, found in 2026"),
} as const satisfies Record<string, ListPrice>;

export type PriceName = keyof typeof LIST_PRICES;
