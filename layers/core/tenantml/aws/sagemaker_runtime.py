"""SageMaker's runtime in a customer's account: the call of an endpoint."""

from __future__ import annotations

from botocore.config import Config

from tenantml.aws.clients import Caller, unbound_client
from tenantml.aws.error_codes import BAD_CREDENTIALS, BUSY, DENIED, EXPIRED, NO_ANSWER, AwsError, Names, code_of
from tenantml.errors import CustomerAccessRevoked, EndpointUnavailable, UnreadableAnswer

# Both attempts end before the function and API Gateway do, after 29 s: the app still gets an answer.
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=12, max_pool_connections=2
)
# ValidationError is also the answer about an endpoint that does not exist.
NOT_NOW = BUSY | {"ValidationError", "ModelNotReadyException", "InternalDependencyException"}
ERRORS: Names = (
    dict.fromkeys(NOT_NOW, EndpointUnavailable)
    | dict.fromkeys(DENIED | BAD_CREDENTIALS | EXPIRED, CustomerAccessRevoked)
    | {"ModelError": UnreadableAnswer}
)
MESSAGES = {
    EndpointUnavailable: "the model's endpoint does not answer now; try again shortly",
    CustomerAccessRevoked: "the customer's account refuses the call of its endpoint; its cloud team applies the "
    "on-boarding template again",
    UnreadableAnswer: "the model failed on these rows; its log group in your account says why",
}


def invoke_endpoint(region: str, caller: Caller, endpoint: str, body: bytes) -> bytes:
    """Return the endpoint's answer to rows of CSV.

    Raises:
        EndpointUnavailable: it is missing, cold or overloaded.
        CustomerAccessRevoked: the access role may no longer invoke it.
        UnreadableAnswer: the model failed on these rows.
    """
    try:
        answer = unbound_client("sagemaker-runtime", region, CONFIG).invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body, Caller=caller
        )
        content: bytes = answer["Body"].read()
    except (AwsError, *NO_ANSWER) as error:
        name = ERRORS.get(code_of(error))
        if name is None:
            raise
        raise name(MESSAGES[name]) from error
    return content
