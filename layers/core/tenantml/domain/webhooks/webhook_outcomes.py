"""How an attempt of a delivery went, in the words of a delivery's `outcome`."""

from __future__ import annotations

ANSWERED = "answered"
NOT_ACCEPTED = "not accepted"
HOST_UNKNOWN = "host unknown"
ADDRESS_REFUSED = "address refused"
NOT_TRUSTED = "certificate not trusted"
NO_CONNECTION = "no connection"
TIMED_OUT = "timed out"
NOT_HTTP = "not http"
REMOVED = "webhook removed"
NOT_ENABLED = "webhook disabled"
UNSIGNED = "no secret"

OUTCOMES = {
    ANSWERED: "The receiver answered with a 2xx: delivered.",
    NOT_ACCEPTED: "The receiver answered otherwise; `http_status` says what. A redirect (3xx) is not followed.",
    HOST_UNKNOWN: "The host has no address.",
    ADDRESS_REFUSED: "One of the host's addresses is not of the public internet; nothing was sent.",
    NOT_TRUSTED: "The host's certificate is not valid for its name, or of no known authority.",
    NO_CONNECTION: "The host refused or broke the connection, or does not speak TLS 1.2 or newer on port 443.",
    TIMED_OUT: "No answer came within 15 seconds.",
    NOT_HTTP: "What was answered is not HTTP/1.1.",
    REMOVED: "The webhook was deleted meanwhile.",
    NOT_ENABLED: "The webhook is disabled; PUT it again to enable it.",
    UNSIGNED: "There is no secret to sign with; POST to its `secrets` for one.",
}
"""What each word means."""
