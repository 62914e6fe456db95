/** Of the AWS SDK what a mesh made by hand uses, loaded when it does. */
export { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
