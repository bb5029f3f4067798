/**
 * Where workers run. By default a network of the deployment's own: public subnets without NAT, so that it costs nothing while
 * no worker runs, with nothing let in. S3 is reached by a gateway endpoint, which costs nothing either.
 *
 * It is made of plain resources, as the `Vpc` of the CDK's library looks up an account's zones, which needs credentials.
 */
import { Fn, Stack, Tags, Validations } from "aws-cdk-lib";
import {
  CfnInternetGateway,
  CfnRoute,
  CfnRouteTable,
  CfnSecurityGroup,
  CfnSubnet,
  CfnSubnetRouteTableAssociation,
  CfnVPC,
  CfnVPCEndpoint,
  CfnVPCGatewayAttachment,
  type ISubnet,
  type IVpc,
  Subnet,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import type { Settings } from "./settings.ts";

/** A /24 of it for each zone. */
const addresses = "10.83.0.0/20";

export class WorkerNetwork extends Construct {
  /** Undefined for the account's default VPC. */
  readonly vpcId: string | undefined;
  /** Empty for those of the default VPC. */
  readonly subnetIds: readonly string[];
  /** Whether a container there needs a public address to get out. */
  readonly publicIp: boolean;
  readonly #securityGroupId: string;

  constructor(scope: Construct, id: string, { network, zones }: Pick<Settings, "network" | "zones">) {
    super(scope, id);
    if (network === "own") {
      const { vpcId, subnetIds } = this.#make(zones);
      this.vpcId = vpcId;
      this.subnetIds = subnetIds;
      this.publicIp = true;
    } else {
      const {
        vpcId,
        subnetIds,
        publicIp = false,
      } = network === "default" ? { vpcId: undefined, subnetIds: [] } : network;
      this.vpcId = vpcId;
      this.subnetIds = subnetIds;
      this.publicIp = publicIp;
    }
    const egress = [
      { ipProtocol: "tcp", fromPort: 443, toPort: 443, cidrIp: "0.0.0.0/0", description: "AWS, packages" },
    ];
    const group = new CfnSecurityGroup(this, "SecurityGroup", {
      groupDescription: "Workers of ncf-stream: nothing in, HTTPS out",
      // CloudFormation takes rules of what goes out for a named VPC only; in the default one, all may.
      ...(this.vpcId === undefined ? {} : { vpcId: this.vpcId, securityGroupEgress: egress }),
    });
    this.#securityGroupId = group.attrGroupId;
  }

  /** Lets nothing in, and HTTPS out (in the default VPC: all). */
  get securityGroupId(): string {
    return this.#securityGroupId;
  }

  /** The same network as other constructs want it. @throws Error for the default VPC, whose id nobody knows */
  asVpc(scope: Construct): { readonly vpc: IVpc; readonly subnets: readonly ISubnet[] } {
    if (this.vpcId === undefined) throw new Error('expected network "own" or one with a vpcId, found "default"');
    // Containers and Lambdas are placed by subnet: zones and routes only have to be there for the library.
    const vpc = Vpc.fromVpcAttributes(scope, "Vpc", { vpcId: this.vpcId, availabilityZones: ["as placed"] });
    const subnets = this.subnetIds.map((subnetId, i) =>
      Subnet.fromSubnetAttributes(scope, `Subnet${i}`, { subnetId, routeTableId: "as placed" }),
    );
    return { vpc, subnets };
  }

  #make(zones: number): { vpcId: string; subnetIds: string[] } {
    const vpc = new CfnVPC(this, "Vpc", { cidrBlock: addresses, enableDnsHostnames: true, enableDnsSupport: true });
    Tags.of(vpc).add("Name", `${Stack.of(this).stackName}-workers`);
    Validations.of(vpc).acknowledge({
      id: "AwsSolutions-VPC7",
      reason:
        "Nothing is let in, and what goes out goes to AWS and package registries: a log of flows would cost more than it tells.",
    });
    const gateway = new CfnInternetGateway(this, "InternetGateway");
    const attached = new CfnVPCGatewayAttachment(this, "Attachment", {
      vpcId: vpc.attrVpcId,
      internetGatewayId: gateway.attrInternetGatewayId,
    });
    const routes = new CfnRouteTable(this, "Routes", { vpcId: vpc.attrVpcId });
    const out = new CfnRoute(this, "Out", {
      routeTableId: routes.attrRouteTableId,
      destinationCidrBlock: "0.0.0.0/0",
      gatewayId: gateway.attrInternetGatewayId,
    });
    out.addResourceDependency(attached);
    new CfnVPCEndpoint(this, "S3", {
      vpcId: vpc.attrVpcId,
      serviceName: `com.amazonaws.${Stack.of(this).region}.s3`,
      routeTableIds: [routes.attrRouteTableId],
    });
    const subnetIds = Array.from({ length: zones }, (_, zone) => {
      const subnet = new CfnSubnet(this, `Subnet${zone}`, {
        vpcId: vpc.attrVpcId,
        availabilityZone: Fn.select(zone, Fn.getAzs()),
        cidrBlock: `10.83.${zone}.0/24`,
        mapPublicIpOnLaunch: true,
      });
      new CfnSubnetRouteTableAssociation(this, `Routes${zone}`, {
        subnetId: subnet.attrSubnetId,
        routeTableId: routes.attrRouteTableId,
      });
      return subnet.attrSubnetId;
    });
    return { vpcId: vpc.attrVpcId, subnetIds };
  }
}
