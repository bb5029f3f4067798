/** The dashboard, and an alarm for each thing that can go wrong; each names its entry in docs/runbook.md. */
import { Validations } from "aws-cdk-lib";
import {
  Alarm,
  AlarmStatusWidget,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import type { AlarmDefinition, Watched } from "./alarm-definition.ts";
import type { Settings } from "./settings.ts";

export interface ObservabilityProps {
  readonly settings: Settings;
  readonly watched: readonly Watched[];
}

/** A dashboard is 24 units wide. */
const graphWidth = 8;

export class Observability extends Construct {
  readonly alarms: readonly Alarm[];
  readonly dashboard: Dashboard;
  /** Undefined where nobody is to be told. */
  readonly topic: Topic | undefined;

  constructor(scope: Construct, id: string, { settings, watched }: ObservabilityProps) {
    super(scope, id);
    this.topic = settings.alarmEmail === undefined ? undefined : this.#topic(settings.alarmEmail);
    this.alarms = watched.flatMap(({ alarms }) => alarms).map((definition) => this.#alarm(settings, definition));
    this.dashboard = new Dashboard(this, "Dashboard", { dashboardName: settings.name });
    this.dashboard.addWidgets(new AlarmStatusWidget({ title: "Alarms", alarms: [...this.alarms], width: 24 }));
    const graphs = watched.flatMap(({ graphs: of }) => of);
    this.dashboard.addWidgets(
      ...graphs.map(({ title, metrics }) => new GraphWidget({ title, left: [...metrics], width: graphWidth })),
    );
  }

  #alarm(settings: Settings, definition: AlarmDefinition): Alarm {
    const { id, metric, threshold, when = "atOrAbove", periods = 1, missingIsBad = false, meaning } = definition;
    const alarm = new Alarm(this, id, {
      alarmName: `${settings.name}-${id}`,
      alarmDescription: `${meaning} What to do: docs/runbook.md#${id}`,
      metric,
      threshold,
      comparisonOperator:
        when === "atOrAbove"
          ? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
          : ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: missingIsBad ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    if (this.topic !== undefined) alarm.addAlarmAction(new SnsAction(this.topic));
    return alarm;
  }

  #topic(email: string): Topic {
    const topic = new Topic(this, "Topic", { displayName: "Alarms of ncf-stream", enforceSSL: true });
    topic.addSubscription(new EmailSubscription(email));
    Validations.of(topic).acknowledge({
      id: "AwsSolutions-SNS2",
      reason:
        "Alarms name queues and functions, nothing personal; CloudWatch writes to an encrypted topic only with a key of one's own, which is billed monthly.",
    });
    return topic;
  }
}
