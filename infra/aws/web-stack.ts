/** The pages on the internet: CloudFront in front of the api function, which refuses requests that went around it. */

import { CfnOutput, Duration, Fn, RemovalPolicy, SecretValue, Stack, type StackProps } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  type BehaviorOptions,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HttpVersion,
  OriginRequestPolicy,
  PriceClass,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import type { IFunctionUrl } from "aws-cdk-lib/aws-lambda";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { ADDRESS_HEADER, HOST_HEADER, SECRET_HEADER } from "../../functions/api/http/origin.ts";
import { acknowledge } from "./acknowledge.ts";
import { asBucket } from "./cdk-types.ts";
import type { Stage } from "./stages.ts";

export interface WebStackProps extends StackProps {
  readonly stage: Stage;
  readonly url: IFunctionUrl;
  /** Name of the secret that proves to the api function where a request comes from. */
  readonly originSecret: string;
}

/**
 * Passes on the browser's own host and address, in headers of their own, whatever a visitor sends under those names. CloudFront must send its
 * origin's name as the host, but the api compares the page's origin with the browser's host; and it counts failed logins by the address, which on
 * the way from CloudFront is CloudFront's.
 */
const KEEP_HOST = `function handler(event) {
  var request = event.request;
  request.headers['${HOST_HEADER}'] = { value: request.headers.host.value };
  request.headers['${ADDRESS_HEADER}'] = { value: event.viewer.ip };
  return request;
}`;

/** Routes that answer everybody the same (functions/api/routes/pool.ts). */
const PUBLIC_PATHS = [
  ...["/api/pool*", "/api/blocks*", "/api/submissions", "/api/archive", "/api/roots"],
  "/api/openapi.json",
];

/** Their address changes with their content: the dashboard's files, and the miner's package. */
const NAMED_BY_CONTENT = ["/assets/*", "/prosper-miner-*"];

export class WebStack extends Stack {
  readonly distribution: Distribution;
  #publicCache: CachePolicy | undefined;

  constructor(scope: Construct, id: string, props: WebStackProps) {
    super(scope, id, props);
    const { stage } = props;
    // https://ID.lambda-url.REGION.on.aws/
    const { originVersion } = stage.web;
    // A reference, never the value. A template that stays the same is not looked at again, so a new value is named by its version.
    const proof = SecretValue.secretsManager(
      props.originSecret,
      originVersion === undefined ? {} : { versionId: originVersion },
    );
    const origin = new HttpOrigin(Fn.select(2, Fn.split("/", props.url.url)), {
      customHeaders: { [SECRET_HEADER]: proof.unsafeUnwrap() },
      readTimeout: Duration.seconds(20),
    });
    const keepHost = new EdgeFunction(this, "KeepHost", {
      code: FunctionCode.fromInline(KEEP_HOST),
      runtime: FunctionRuntime.JS_2_0,
      comment: "Tells the api the browser's own host and address",
    });
    const behaviour = {
      origin,
      allowedMethods: AllowedMethods.ALLOW_ALL,
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      functionAssociations: [{ function: keepHost, eventType: FunctionEventType.VIEWER_REQUEST }],
    };
    const { domain } = stage.web;
    this.distribution = new Distribution(this, "Pages", {
      comment: `prosper ${stage.name}`,
      // What is one user's own: not kept here.
      defaultBehavior: { ...behaviour, cachePolicy: CachePolicy.CACHING_DISABLED },
      additionalBehaviors: {
        ...Object.fromEntries(
          NAMED_BY_CONTENT.map((path) => [
            path,
            {
              ...behaviour,
              allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
              cachePolicy: CachePolicy.CACHING_OPTIMIZED,
            },
          ]),
        ),
        ...Object.fromEntries(
          PUBLIC_PATHS.map((path) => [path, this.#publicBehaviour(behaviour, stage.web)]),
        ),
      },
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: stage.isProtected ? PriceClass.PRICE_CLASS_ALL : PriceClass.PRICE_CLASS_100,
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      enableLogging: stage.isProtected,
      ...(stage.isProtected
        ? { logBucket: asBucket(this.#logBucket(stage)), logIncludesCookies: false }
        : {}),
      ...(domain === undefined
        ? {}
        : {
            domainNames: [domain.name],
            certificate: Certificate.fromCertificateArn(this, "Certificate", domain.certificateArn),
          }),
    });
    this.#acknowledge(stage);
    new CfnOutput(this, "Url", {
      value: `https://${domain?.name ?? this.distribution.distributionDomainName}/`,
    });
    new CfnOutput(this, "DistributionName", { value: this.distribution.distributionDomainName });
  }

  /** No cookie reaches the function, so that no answer can be one visitor's; the function says how long it may be kept. */
  #publicBehaviour(behaviour: BehaviorOptions, { corsOrigins }: Stage["web"]): BehaviorOptions {
    this.#publicCache ??= new CachePolicy(this, "PublicFigures", {
      comment: "The pool's figures, the same for everybody",
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(0),
      maxTtl: Duration.seconds(5),
      cookieBehavior: CacheCookieBehavior.none(),
      // How to connect is told by the host that the visitor used; whether a page may read it, by the page's origin.
      headerBehavior: CacheHeaderBehavior.allowList(
        HOST_HEADER,
        ...(corsOrigins === undefined ? [] : ["Origin"]),
      ),
      queryStringBehavior: CacheQueryStringBehavior.all(),
      enableAcceptEncodingBrotli: true,
      enableAcceptEncodingGzip: true,
    });
    const { originRequestPolicy: _, ...rest } = behaviour;
    const allowedMethods =
      corsOrigins === undefined ? AllowedMethods.ALLOW_GET_HEAD : AllowedMethods.ALLOW_GET_HEAD_OPTIONS;
    return { ...rest, allowedMethods, cachePolicy: this.#publicCache };
  }

  #logBucket(stage: Stage): Bucket {
    const bucket = new Bucket(this, "Visits", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      // CloudFront writes its logs from another account.
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      lifecycleRules: [{ expiration: Duration.days(stage.logDays) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(bucket, {
      S1: "This bucket holds the access logs; logging who writes a log would never end.",
    });
    return bucket;
  }

  #acknowledge(stage: Stage): void {
    acknowledge(this.distribution, {
      CFR1: "Miners may live anywhere.",
      CFR2: "A firewall is a monthly price for little: the api takes 64 kB at most, limits failed logins, and has no query language.",
      ...(stage.isProtected ? {} : { CFR3: "Nobody reads the visits of a stage to try things on." }),
      ...(stage.web.domain === undefined
        ? { CFR4: "Without a domain of one's own CloudFront's certificate and its protocol list serve." }
        : {}),
    });
  }
}
