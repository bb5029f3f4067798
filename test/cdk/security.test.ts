/** What must hold in the templates, whatever else changes: encryption, rights, dead letters, time-outs. */
import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { recommenderApp, resourcesOf, streamContext, templatesOf } from "./templates.ts";

const templates = templatesOf(recommenderApp(streamContext));
const { data, training, serving, streaming } = templates;
const all = Object.entries(templates);

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

function statementsOf(template: Template): Statement[] {
  return ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"].flatMap((type) =>
    resourcesOf(template, type).flatMap(
      ([, { PolicyDocument }]) => (PolicyDocument as { Statement: Statement[] }).Statement,
    ),
  );
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

describe("data at rest and on the way", () => {
  it("has one bucket: encrypted, private, versioned, kept when the stack is removed", () => {
    data.resourceCountIs("AWS::S3::Bucket", 1);
    data.hasResource("AWS::S3::Bucket", {
      DeletionPolicy: "Retain",
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        VersioningConfiguration: { Status: "Enabled" },
        LifecycleConfiguration: {
          Rules: Match.arrayWith([Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } })]),
        },
      },
    });
  });

  it("takes requests over TLS only", () => {
    const tlsOnly = Match.arrayWith([
      Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
    ]);
    data.hasResourceProperties("AWS::S3::BucketPolicy", { PolicyDocument: { Statement: tlsOnly } });
    const queues = resourcesOf(training, "AWS::SQS::Queue").map(([id]) => id);
    const denied = resourcesOf(training, "AWS::SQS::QueuePolicy").filter(([, properties]) =>
      JSON.stringify(properties).includes('"aws:SecureTransport":"false"'),
    );
    expect(denied.flatMap(([, { Queues }]) => (Queues as { Ref: string }[]).map(({ Ref }) => Ref)).sort()).toEqual(
      queues.sort(),
    );
  });

  it("encrypts queues", () => {
    for (const [, { SqsManagedSseEnabled }] of resourcesOf(training, "AWS::SQS::Queue"))
      expect(SqsManagedSseEnabled).toBe(true);
  });
});

describe("queues", () => {
  it("have a dead-letter queue, or are one that keeps messages for 14 days", () => {
    for (const [, { RedrivePolicy, MessageRetentionPeriod }] of resourcesOf(training, "AWS::SQS::Queue")) {
      expect(MessageRetentionPeriod).toBe(14 * 86_400);
      if (RedrivePolicy !== undefined) expect(RedrivePolicy).toHaveProperty("deadLetterTargetArn");
    }
    training.hasResourceProperties("AWS::SQS::Queue", { RedrivePolicy: { maxReceiveCount: 3 } });
    training.hasResourceProperties("AWS::SQS::Queue", { RedrivePolicy: { maxReceiveCount: 5 } });
  });

  it("hide messages for six times the time-out of the Lambda that reads them", () => {
    const functions = Object.fromEntries(resourcesOf(training, "AWS::Lambda::Function"));
    const queues = Object.fromEntries(resourcesOf(training, "AWS::SQS::Queue"));
    const mappings = resourcesOf(training, "AWS::Lambda::EventSourceMapping");
    expect(mappings).toHaveLength(1);
    for (const [, { EventSourceArn, FunctionName, FunctionResponseTypes }] of mappings) {
      const { VisibilityTimeout } = queues[EventSourceArn["Fn::GetAtt"][0]];
      expect(VisibilityTimeout).toBeGreaterThanOrEqual(6 * functions[(FunctionName as { Ref: string }).Ref].Timeout);
      expect(FunctionResponseTypes).toEqual(["ReportBatchItemFailures"]);
    }
  });

  it("take what ingest and sample could not do", () => {
    const configured = resourcesOf(training, "AWS::Lambda::EventInvokeConfig");
    expect(configured.filter(([, { DestinationConfig }]) => DestinationConfig !== undefined)).toHaveLength(2);
  });
});

describe("rights", () => {
  it("allow no wildcard action, and on all resources only actions that know none", () => {
    const knowNone = new Set([
      "cloudwatch:PutMetricData",
      "ec2:DescribeInstances",
      "ecr:GetAuthorizationToken",
      // Of the CDK's own Lambda that sets notifications.
      "s3:PutBucketNotification",
      "s3:GetBucketNotification",
    ]);
    for (const [, template] of all) {
      for (const { Effect, Action, Resource } of statementsOf(template)) {
        expect(Effect).toBe("Allow");
        for (const action of listOf(Action)) {
          expect(action).not.toMatch(/^\*$|:\*$/);
          if (listOf(Resource).includes("*")) expect(knowNone).toContain(action);
        }
      }
    }
  });

  it("let the launcher launch from its template alone, with the deployment's tag", () => {
    const launches = statementsOf(training).filter(({ Action }) => listOf(Action).includes("ec2:RunInstances"));
    expect(launches).toHaveLength(3);
    for (const { Resource, Condition } of launches) {
      const named = JSON.stringify(Resource).includes("launch-template/");
      if (!named) expect(Condition).toHaveProperty(["ArnEquals", "ec2:LaunchTemplate"]);
    }
    expect(launches[0].Condition).toHaveProperty(["StringEquals", "aws:RequestTag/ncf:stack"], "movies");
  });

  it("let score read, and nothing else", () => {
    const actions = statementsOf(serving).flatMap(({ Action }) => listOf(Action));
    expect([...new Set(actions)].sort()).toEqual([
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "s3:GetObject",
      "s3:ListBucket",
    ]);
  });

  it("let only signed requests through", () => {
    const routes = [
      ...resourcesOf(serving, "AWS::ApiGatewayV2::Route"),
      ...resourcesOf(streaming, "AWS::ApiGatewayV2::Route"),
    ];
    expect(routes.map(([, { RouteKey }]) => RouteKey).sort()).toEqual(["$default", "POST /interactions"]);
    for (const [, { AuthorizationType }] of routes) expect(AuthorizationType).toBe("AWS_IAM");
  });
});

describe("workers", () => {
  const [[, { LaunchTemplateData }]] = resourcesOf(training, "AWS::EC2::LaunchTemplate") as unknown as [
    [string, { LaunchTemplateData: Record<string, never> }],
  ];

  it("ask for the role with a token only, one hop from the machine", () => {
    expect(LaunchTemplateData.MetadataOptions).toMatchObject({ HttpTokens: "required", HttpPutResponseHopLimit: 1 });
  });

  it("let nothing in", () => {
    for (const template of [training, streaming]) {
      for (const [, { SecurityGroupIngress }] of resourcesOf(template, "AWS::EC2::SecurityGroup")) {
        expect(SecurityGroupIngress).toBeUndefined();
      }
      template.resourceCountIs("AWS::EC2::SecurityGroupIngress", 0);
    }
    expect(LaunchTemplateData.KeyName).toBeUndefined();
  });

  it("have an encrypted disk, and are terminated when they are switched off", () => {
    expect(LaunchTemplateData.BlockDeviceMappings).toMatchObject([
      { Ebs: { Encrypted: true, VolumeType: "gp3", DeleteOnTermination: true } },
    ]);
    expect(LaunchTemplateData.InstanceInitiatedShutdownBehavior).toBe("terminate");
  });
});
