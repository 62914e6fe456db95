/** Of the AWS SDK what the sweeper uses, loaded when it does: the rest stays out of the bundle. */
export {
  DeleteVolumeCommand,
  DescribeRegionsCommand,
  EC2Client,
  paginateDescribeInstances,
  paginateDescribeVolumes,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
