"""The article's notebook, with the SDK that it uses and its own restrictive policies, on the embedded cloud.

"Add AutoML functionality with Amazon SageMaker Autopilot across accounts"; the notebook is in
github.com/aws-samples/amazon-sagemaker-autopilot-cross-account. Two users who may do no more than its "more
restrictive" policies set up its role, group, policies and user; that user assumes the role, which trains, deploys,
predicts and deletes. The SDK is the oracle here: what it sends and reads is what AWS takes and answers.
"""

from __future__ import annotations

import csv
import io
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import CUSTOMER_ACCOUNT, REGION, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

ROLE, EXTERNAL_ID, LONGEST_SECONDS = "customer_trusting_saas", "12345", 10_800
ROLE_ARN = f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/{ROLE}"
GROUP, USER = "AutopilotUsers", "saas_user"
FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
SAMPLES, SAMPLE_KEY = "sagemaker-sample-files", "datasets/tabular/synthetic/churn.txt"
SAAS_BUCKET, CUSTOMER_BUCKET = (f"sagemaker-{REGION}-{account}" for account in (SAAS_ACCOUNT, CUSTOMER_ACCOUNT))
FOLDER, TRAINING_SET = "auto-ml-input-data", "train_data.csv"
TARGET = "Churn?"
KEYS = ["predicted_label", "probability"]


def allow(actions: list[str] | str, resource: list[str] | str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def iam(names: str) -> list[str]:
    return [f"iam:{name}" for name in names.split()]


def of(account: str, kind: str) -> str:
    return f"arn:aws:iam::{account}:{kind}/*"


def with_objects(bucket: str) -> list[str]:
    return [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


# What the notebook's prerequisites grant "instead of IAMFullAccess".
CONFIGURES_CUSTOMER = policy(
    allow(
        iam("AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies CreateRole DeleteRole"),
        of(CUSTOMER_ACCOUNT, "role"),
    ),
    allow(iam("CreatePolicy DeletePolicy"), of(CUSTOMER_ACCOUNT, "policy")),
)
CONFIGURES_SAAS = policy(
    allow(iam("CreateUser DeleteUser CreateAccessKey DeleteAccessKey ListAccessKeys"), of(SAAS_ACCOUNT, "user")),
    allow(
        iam(
            "CreateGroup DeleteGroup AddUserToGroup RemoveUserFromGroup AttachGroupPolicy DetachGroupPolicy "
            "ListAttachedGroupPolicies"
        ),
        of(SAAS_ACCOUNT, "group"),
    ),
    allow(iam("CreatePolicy DeletePolicy"), of(SAAS_ACCOUNT, "policy")),
)
CUSTOMER_S3 = policy(
    allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"], with_objects(CUSTOMER_BUCKET))
)
SAAS_ASSUMES = policy(allow("sts:AssumeRole", ROLE_ARN))
SAAS_S3 = policy(
    allow(["s3:GetObject"], f"arn:aws:s3:::{SAMPLES}/{SAMPLE_KEY}"),
    allow(
        [
            "s3:CreateBucket",
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:PutBucketPolicy",
            "s3:DeleteBucketPolicy",
        ],
        with_objects(SAAS_BUCKET),
    ),
)
TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{SAAS_ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    },
    {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
)


def settled(describe: Callable[[], dict[str, Any]], field: str, passing: str) -> dict[str, Any]:
    """Look until the status is no longer `passing`; the SDK's own waits look every 30 seconds."""
    deadline = time.monotonic() + 180
    while (found := describe())[field] == passing:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


@dataclass(frozen=True)
class Notebook:
    """What the notebook has when its IAM section is done."""

    cloud: EmbeddedCloud
    configures_saas: Any  # the IAM client of the restricted user
    saas: boto3.Session
    training_set: Path

    def assume(self, **options: Any) -> dict[str, Any]:
        """The customer's role, as `saas_user`; answers the session's credentials."""
        session = self.saas.client("sts").assume_role(
            RoleArn=ROLE_ARN, RoleSessionName="sagemaker_autopilot", ExternalId=EXTERNAL_ID, **options
        )
        credentials: dict[str, Any] = session["Credentials"]
        return credentials

    def session(self, credentials: dict[str, Any]) -> Any:
        """The SDK's session of assumed credentials."""
        from sagemaker import Session

        return Session(boto_session=self.cloud.session(CUSTOMER_ACCOUNT, credentials=credentials))


def _restricted_user(cloud: EmbeddedCloud, account: str, name: str, allowed: str) -> Any:
    root = cloud.client("iam", account)
    root.create_user(UserName=name)
    root.put_user_policy(UserName=name, PolicyName="restrictive", PolicyDocument=allowed)
    return cloud.client("iam", account, credentials=root.create_access_key(UserName=name)["AccessKey"])


def _set_up(customer: Any, saas: Any) -> dict[str, str]:
    """The notebook's section "Setup of the IAM Entities"; answers the user's key."""
    arn = customer.create_policy(PolicyName="customer_s3", PolicyDocument=CUSTOMER_S3)["Policy"]["Arn"]
    customer.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST, MaxSessionDuration=LONGEST_SECONDS)
    for attached in (arn, FULL_ACCESS):
        customer.attach_role_policy(RoleName=ROLE, PolicyArn=attached)
    saas.create_group(GroupName=GROUP)
    for name, document in (("saas_assume_customer_role", SAAS_ASSUMES), ("saas_s3", SAAS_S3)):
        created = saas.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
        saas.attach_group_policy(GroupName=GROUP, PolicyArn=created)
    saas.create_user(UserName=USER)
    key: dict[str, str] = saas.create_access_key(UserName=USER)["AccessKey"]
    saas.add_user_to_group(GroupName=GROUP, UserName=USER)
    return key


def _clean_up(customer: Any, saas: Any) -> None:
    """The notebook's section "Cleanup of IAM entities"; a key, role or policy that is still in use would refuse."""
    saas.remove_user_from_group(GroupName=GROUP, UserName=USER)
    for key in saas.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        saas.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    saas.delete_user(UserName=USER)
    attached = saas.list_attached_group_policies(GroupName=GROUP)["AttachedPolicies"]
    for found in attached:
        saas.detach_group_policy(GroupName=GROUP, PolicyArn=found["PolicyArn"])
    saas.delete_group(GroupName=GROUP)
    for found in attached:
        saas.delete_policy(PolicyArn=found["PolicyArn"])
    for found in customer.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]:
        customer.detach_role_policy(RoleName=ROLE, PolicyArn=found["PolicyArn"])
    customer.delete_role(RoleName=ROLE)
    customer.delete_policy(PolicyArn=f"arn:aws:iam::{CUSTOMER_ACCOUNT}:policy/customer_s3")


def _churn() -> list[list[str]]:
    """A table in the form of the notebook's: names with spaces and marks, classes `True.` and `False.`."""
    chance = random.Random(7)
    rows = []
    for _ in range(700):
        plan, minutes, calls = chance.choice(["yes", "no"]), chance.uniform(0, 300), chance.randrange(8)
        leaves = calls > 4 or (plan == "yes" and minutes > 200)
        rows.append([plan, f"{minutes:.1f}", str(calls), f"{leaves}."])
    return rows


def _public_sample(cloud: EmbeddedCloud) -> None:
    """AWS's bucket of sample files: anybody may read it."""
    s3, text = cloud.client("s3", "777777777777"), io.StringIO(newline="")
    csv.writer(text).writerows([["Int'l Plan", "Day Mins", "CustServ Calls", TARGET], *_churn()])
    s3.create_bucket(Bucket=SAMPLES)
    s3.delete_public_access_block(Bucket=SAMPLES)
    anybody = allow("s3:GetObject", f"arn:aws:s3:::{SAMPLES}/*", Principal="*")
    s3.put_bucket_policy(Bucket=SAMPLES, Policy=policy(anybody))
    s3.put_object(Bucket=SAMPLES, Key=SAMPLE_KEY, Body=text.getvalue().encode())


@pytest.fixture(scope="module")
def configured() -> Iterator[tuple[EmbeddedCloud, Any, Any]]:
    """A cloud of the article's own, since its names are those of our stack; the IAM clients of its two first users."""
    with EmbeddedCloud() as cloud:
        _public_sample(cloud)
        yield (
            cloud,
            _restricted_user(cloud, CUSTOMER_ACCOUNT, "customer_config", CONFIGURES_CUSTOMER),
            _restricted_user(cloud, SAAS_ACCOUNT, "saas_config", CONFIGURES_SAAS),
        )


@pytest.fixture
def notebook(
    configured: tuple[EmbeddedCloud, Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notebook]:
    """The notebook up to its training set; at the end, the users remove all that they made."""
    cloud, customer, saas = configured
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)
    # The SDK asks https://sts.REGION.amazonaws.com for the account whatever AWS_ENDPOINT_URL says.
    monkeypatch.setattr("sagemaker.session.sts_regional_endpoint", lambda region: cloud.endpoint_url)
    user = cloud.session(credentials=_set_up(customer, saas))
    rows = user.client("s3").get_object(Bucket=SAMPLES, Key=SAMPLE_KEY)["Body"].read().splitlines(keepends=True)
    training_set = tmp_path / TRAINING_SET
    training_set.write_bytes(b"".join(rows[:600]))
    yield Notebook(cloud, saas, user, training_set)
    _clean_up(customer, saas)
    # Which `saas_user` may not do; and as it may not list it, either, SDK 2.257.7 refuses to use it a second time.
    theirs = cloud.session().resource("s3").Bucket(SAAS_BUCKET)
    if theirs.creation_date:
        theirs.objects.all().delete()
        theirs.delete()


def upload(notebook: Notebook, session: Any) -> str:
    """First option: the SaaS uploads into the customer's bucket, as `fit` does with a local file."""
    del session
    return str(notebook.training_set)


def copy(notebook: Notebook, session: Any) -> str:
    """Second option: the customer's role copies from the SaaS account's bucket, which lets it for that long."""
    key = _uploaded_to_saas(notebook)
    s3 = notebook.saas.client("s3")
    _share(s3, allow("s3:GetObject", f"arn:aws:s3:::{SAAS_BUCKET}/{key}"))
    theirs = session.boto_session.client("s3")
    theirs.copy_object(Bucket=session.default_bucket(), CopySource=f"{SAAS_BUCKET}/{key}", Key=key)
    s3.delete_bucket_policy(Bucket=SAAS_BUCKET)
    return f"s3://{session.default_bucket()}/{key}"


def in_place(notebook: Notebook, session: Any) -> str:
    """Third option: the job reads the SaaS account's bucket, whose policy stays as long as it trains."""
    del session
    key = _uploaded_to_saas(notebook)
    _share(
        notebook.saas.client("s3"),
        allow("s3:GetObject", f"arn:aws:s3:::{SAAS_BUCKET}/{key}"),
        allow("s3:ListBucket", f"arn:aws:s3:::{SAAS_BUCKET}"),
    )
    return f"s3://{SAAS_BUCKET}/{key}"


def _uploaded_to_saas(notebook: Notebook) -> str:
    from sagemaker import Session

    ours = Session(boto_session=notebook.saas)
    uri = ours.upload_data(str(notebook.training_set), key_prefix=FOLDER)
    assert uri == f"s3://{SAAS_BUCKET}/{FOLDER}/{TRAINING_SET}"
    return f"{FOLDER}/{TRAINING_SET}"


def _share(s3: Any, *statements: dict[str, Any]) -> None:
    shared = [statement | {"Principal": {"AWS": ROLE_ARN}} for statement in statements]
    s3.put_bucket_policy(Bucket=SAAS_BUCKET, Policy=policy(*shared))


def expired(call: Callable[[], Any]) -> bool:
    """Whether a call is refused because the session is over."""
    with pytest.raises(ClientError) as refused:
        call()
    return bool(refused.value.response["Error"]["Code"] == "ExpiredTokenException")


def transformed(session: Any, predictor: Any, name: str) -> list[list[str]]:
    """What the endpoint's model answers to two rows in a batch transform that asks for labels alone."""
    from sagemaker.transformer import Transformer

    session.upload_string_as_file_body("no,100.0,1\nno,100.0,7\n", CUSTOMER_BUCKET, f"{name}/rows.csv")
    (model,) = predictor._get_model_names()  # the SDK's own way to it, in delete_model
    transformer = Transformer(
        model,
        instance_count=1,
        instance_type="ml.m5.large",
        output_path=f"s3://{CUSTOMER_BUCKET}/{name}/scored",
        assemble_with="Line",
        accept="text/csv",
        env={"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"},
        sagemaker_session=session,
    )
    rows = f"s3://{CUSTOMER_BUCKET}/{name}/rows.csv"
    transformer.transform(rows, content_type="text/csv", split_type="Line", job_name=name, wait=False, logs=False)
    describe = session.sagemaker_client.describe_transform_job
    job = settled(lambda: describe(TransformJobName=name), "TransformJobStatus", "InProgress")
    assert job["TransformJobStatus"] == "Completed", job
    answers = session.read_s3_file(CUSTOMER_BUCKET, f"{name}/scored/rows.csv.out")
    return list(csv.reader(io.StringIO(answers)))


@pytest.mark.parametrize("deliver", [upload, copy, in_place])
def test_the_articles_flow_runs_with_its_own_policies_and_outlives_its_session(
    notebook: Notebook, deliver: Callable[[Notebook, Any], str]
) -> None:
    from sagemaker import AutoML, CandidateEstimator
    from sagemaker.deserializers import CSVDeserializer
    from sagemaker.predictor import Predictor
    from sagemaker.serializers import CSVSerializer

    name = f"automl-{deliver.__name__.replace('_', '-')}"
    short = notebook.assume(DurationSeconds=900)
    session = notebook.session(short)
    assert session.default_bucket() == CUSTOMER_BUCKET
    automl = AutoML(
        role=ROLE_ARN,
        target_attribute_name=TARGET,
        base_job_name=name,
        sagemaker_session=session,
        max_candidates=2,  # the article's 10 take longer and show nothing more
    )
    automl.fit(deliver(notebook, session), job_name=name, wait=False, logs=False)
    notebook.cloud.expire(short)
    assert expired(automl.describe_auto_ml_job)

    long = notebook.assume(DurationSeconds=LONGEST_SECONDS)
    session = notebook.session(long)
    automl = AutoML.attach(auto_ml_job_name=name, sagemaker_session=session)
    described = settled(automl.describe_auto_ml_job, "AutoMLJobStatus", "InProgress")
    assert described["AutoMLJobStatus"] == "Completed", described
    assert described["AutoMLJobArn"].split(":")[4] == CUSTOMER_ACCOUNT
    best = described["BestCandidate"]
    steps = [step["CandidateStepName"] for step in best["CandidateSteps"]]
    assert [step.name for step in CandidateEstimator(best, session).get_steps()] == steps
    assert best["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "validation:f1"

    csv_form = {"serializer": CSVSerializer(), "deserializer": CSVDeserializer()}
    predictor = automl.deploy(
        initial_instance_count=1,
        instance_type="ml.m5.large",
        endpoint_name=name,
        inference_response_keys=KEYS,
        predictor_cls=Predictor,
        wait=False,
        **csv_form,
    )
    settled(lambda: session.sagemaker_client.describe_endpoint(EndpointName=name), "EndpointStatus", "Creating")
    notebook.cloud.expire(long)
    assert expired(lambda: predictor.predict("no,100.0,1"))

    session = notebook.session(notebook.assume())
    predictor = Predictor(name, sagemaker_session=session, **csv_form)
    (stays, likely), (leaves, likelier) = predictor.predict("no,100.0,1\nno,100.0,7")
    assert (stays, leaves) == ("False.", "True.")
    assert min(float(likely), float(likelier)) > 0.5  # an ensemble's is the probability of what it predicts

    assert transformed(session, predictor, name) == [["False."], ["True."]]

    predictor.delete_model()
    predictor.delete_endpoint()
    bucket = session.boto_session.resource("s3").Bucket(CUSTOMER_BUCKET)
    bucket.objects.filter(Prefix=name).delete()
    given = described["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    if given.startswith(f"s3://{CUSTOMER_BUCKET}/"):
        session.boto_session.resource("s3").Object(CUSTOMER_BUCKET, given.split("/", 3)[3]).delete()
    assert list(bucket.objects.all()) == []
    assert session.sagemaker_client.list_models()["Models"] == []


def test_without_the_external_id_or_the_group_nobody_enters(notebook: Notebook) -> None:
    sts = notebook.saas.client("sts")
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=ROLE_ARN, RoleSessionName="sagemaker_autopilot")
    notebook.configures_saas.remove_user_from_group(GroupName=GROUP, UserName=USER)
    with pytest.raises(ClientError, match="AccessDenied"):
        notebook.assume()
    notebook.configures_saas.add_user_to_group(GroupName=GROUP, UserName=USER)
