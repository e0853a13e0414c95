"""Managed policies: what does not exist cannot be attached, and SageMaker's own exists."""

from __future__ import annotations

import functools
import json
from typing import Any, Final

from ministack.services import iam

from local.patches.emulator import EmulatorChanged, original, wrap

SAGEMAKER_FULL_ACCESS: Final = "AmazonSageMakerFullAccess"
_SPELLINGS = ("SageMaker", "Sagemaker", "sagemaker")
# https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol.html: the statements about the services that
# exist here, with AWS's Sids. Studio, Ground Truth, Pipelines, Glue, Redshift and so on are left out.
_STATEMENTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "Sid": "AllowAllNonAdminSageMakerActions",
        "Action": ["sagemaker:*"],
        "NotResource": [
            f"arn:aws:sagemaker:*:*:{kind}/*"
            for kind in (
                "domain",
                "user-profile",
                "app",
                "space",
                "partner-app",
                "flow-definition",
                "training-plan",
                "reserved-capacity",
            )
        ],
    },
    {
        "Sid": "AllowAWSServiceActions",
        "Action": [
            "application-autoscaling:DeleteScalingPolicy",
            "application-autoscaling:DeregisterScalableTarget",
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingPolicies",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:RegisterScalableTarget",
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetMetricData",
            "cloudwatch:GetMetricStatistics",
            "cloudwatch:ListMetrics",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:PutMetricData",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "iam:ListRoles",
            "kms:DescribeKey",
            "kms:ListAliases",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:Describe*",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
        ],
        "Resource": "*",
    },
    {
        "Sid": "AllowS3ObjectActions",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        "Resource": [f"arn:aws:s3:::*{name}*" for name in (*_SPELLINGS, "aws-glue")],
    },
    {
        "Sid": "AllowS3BucketActions",
        "Action": [
            "s3:CreateBucket",
            "s3:GetBucketLocation",
            "s3:ListBucket",
            "s3:ListAllMyBuckets",
            "s3:GetBucketCors",
            "s3:PutBucketCors",
        ],
        "Resource": "*",
    },
    {
        "Sid": "AllowS3BucketACL",
        "Action": ["s3:GetBucketAcl", "s3:PutObjectAcl"],
        "Resource": [f"arn:aws:s3:::*{name}*" for name in _SPELLINGS],
    },
    {
        "Sid": "AllowPassRoleToSageMaker",
        "Action": ["iam:PassRole"],
        "Resource": "arn:aws:iam::*:role/*",
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    },
)


def apply() -> None:
    """Refuse to attach an unknown policy, by any way; add AmazonSageMakerFullAccess."""
    for name, source in (
        ("_attach_role_policy", "44f7952356e0"),
        ("_attach_user_policy", "d003b8311788"),
        ("_attach_group_policy", "fd6f45ca69f3"),
    ):
        before = original(iam, name, source)
        wrap(iam, name, source, _refuse_unknown)
        iam._IAM_HANDLERS.update(
            {action: getattr(iam, name) for action, handler in iam._IAM_HANDLERS.items() if handler is before}
        )
    wrap(iam, "attach_managed_policy", "fd26cd2790a2", _declared)
    arn = f"{iam._AWS_MANAGED_POLICY_PREFIX}{SAGEMAKER_FULL_ACCESS}"
    if arn in iam._aws_managed_policies:
        raise EmulatorChanged(f"the emulator now has {arn}: remove this patch's")
    allowed = [{"Effect": "Allow"} | statement for statement in _STATEMENTS]
    iam._aws_managed_policies[arn] = iam._make_aws_managed_record(
        SAGEMAKER_FULL_ACCESS,
        json.dumps({"Version": "2012-10-17", "Statement": allowed}),
        "Provides full access to Amazon SageMaker via the AWS Management Console and SDK.",
    )


def _missing(arn: str) -> str:
    return f"Policy {arn} does not exist or is not attachable."


def _refuse_unknown(attach: Any) -> Any:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html: NoSuchEntity."""

    @functools.wraps(attach)
    def attaching(parameters: Any) -> Any:
        arn = iam._p(parameters, "PolicyArn")
        return attach(parameters) if iam.policy_known(arn) else iam._error(404, "NoSuchEntity", _missing(arn), ns="iam")

    return attaching


def _declared(attach: Any) -> Any:
    """A template's role with an unknown policy fails, as its AttachRolePolicy would."""

    @functools.wraps(attach)
    def attaching(entity: dict[str, Any], arn: str) -> None:
        if not iam.policy_known(arn):
            raise ValueError(f"{_missing(arn)} (Service: Iam, Status Code: 404, Error Code: NoSuchEntity)")
        attach(entity, arn)

    return attaching
