"""Subscriptions: created, confirmed, described, listed, changed, deleted."""

from __future__ import annotations

import json
import time
import uuid
from urllib.parse import urlencode

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.notifications.pushing import HTTP_PROTOCOLS, push
from emulators.oracle.notifications.store import Store, Subscription, check_match, new_ocid
from emulators.oracle.pages import page
from emulators.oracle.routing import Call, Route, route
from emulators.web import Response

PROTOCOLS = HTTP_PROTOCOLS | {"EMAIL", "ORACLE_FUNCTIONS", "SMS"}
MAX_ENDPOINT = 512


class Subscriptions:
    """Operations on subscriptions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes: list[Route] = [
            route("GET", "/subscriptions", self._list),
            route("POST", "/subscriptions", self._create),
            route("GET", "/subscriptions/{subscriptionId}", self._get),
            route("PUT", "/subscriptions/{subscriptionId}", self._update),
            route("DELETE", "/subscriptions/{subscriptionId}", self._delete),
            route("POST", "/subscriptions/{id}/resendConfirmation", self._resend),
        ]
        self.links: list[Route] = [
            route("GET", "/subscriptions/{id}/confirmation", self._confirm),
            route("GET", "/subscriptions/{id}/unsubscription", self._unsubscribe),
        ]

    def _list(self, call: Call) -> Response:
        compartment = call.request.param("compartmentId")
        if not compartment:
            raise invalid("compartmentId must be given")
        topic = call.request.param("topicId")
        found = [
            each.description
            for each in self._store.subscriptions.values()
            if each.description["compartmentId"] == compartment
            and topic in {None, each.description["topicId"]}
        ]
        shown, headers = page(call.request, found, 10)
        return Response.of_json(list(shown), headers=headers)

    def _create(self, call: Call) -> Response:
        details = object_body(call.request)
        protocol, endpoint = str(details.get("protocol")), str(details.get("endpoint") or "")
        topic = self._store.topic(str(details.get("topicId")))
        if protocol not in PROTOCOLS or not 1 <= len(endpoint) <= MAX_ENDPOINT:
            raise invalid("protocol or endpoint is not valid")
        if protocol in HTTP_PROTOCOLS and not endpoint.startswith(("http:", "https:")):
            raise invalid("endpoint must be a URL")
        if not details.get("compartmentId"):
            raise invalid("compartmentId must be given")
        identity = new_ocid("onssubscription")
        description = {
            "id": identity,
            "topicId": topic["topicId"],
            "protocol": protocol,
            "endpoint": endpoint,
            # Functions are the tenancy's own: nobody has to be asked.
            "lifecycleState": "ACTIVE" if protocol == "ORACLE_FUNCTIONS" else "PENDING",
            "compartmentId": details["compartmentId"],
            "createdTime": int(time.time() * 1000),
            "etag": uuid.uuid4().hex,
            "freeformTags": details.get("freeformTags") or {},
            "definedTags": details.get("definedTags") or {},
        }
        subscription = Subscription(description)
        self._store.subscriptions[identity] = subscription
        self._ask(call, subscription)
        return Response.of_json(description, headers={"ETag": description["etag"]})

    def _get(self, call: Call, identity: str) -> Response:
        description = self._store.subscription(identity).description
        return Response.of_json(description, headers={"ETag": description["etag"]})

    def _update(self, call: Call, identity: str) -> Response:
        description = self._store.subscription(identity).description
        check_match(call, description)
        details = object_body(call.request)
        for name in ("deliveryPolicy", "freeformTags", "definedTags"):
            if name in details:
                description[name] = details[name]
        description["etag"] = uuid.uuid4().hex
        return Response.of_json(description, headers={"ETag": description["etag"]})

    def _delete(self, call: Call, identity: str) -> Response:
        subscription = self._store.subscription(identity)
        check_match(call, subscription.description)
        subscription.description["lifecycleState"] = "DELETED"
        del self._store.subscriptions[identity]
        return Response(204)

    def _resend(self, call: Call, identity: str) -> Response:
        subscription = self._store.subscription(identity)
        self._ask(call, subscription)
        return Response.of_json(subscription.description)

    def _confirm(self, call: Call, identity: str) -> Response:
        subscription = self._allowed(call, identity)
        subscription.description["lifecycleState"] = "ACTIVE"
        return self._result(call, subscription, "You have subscribed to the topic")

    def _unsubscribe(self, call: Call, identity: str) -> Response:
        subscription = self._allowed(call, identity)
        subscription.description["lifecycleState"] = "DELETED"
        del self._store.subscriptions[identity]
        return Response.of_json("The subscription is deleted")

    def _allowed(self, call: Call, identity: str) -> Subscription:
        subscription = self._store.subscription(identity)
        protocol = subscription.description["protocol"]
        given = (call.request.param("token"), call.request.param("protocol"))
        if given != (subscription.token, protocol):
            raise OracleError(400, "InvalidParameter", "The token is not valid")
        return subscription

    def _ask(self, call: Call, subscription: Subscription) -> None:
        """Ask an endpoint whether it wants what comes; what others are asked is not doubled."""
        description = subscription.description
        if description["protocol"] not in HTTP_PROTOCOLS or subscription.active:
            return
        url = self._link(call, subscription, "confirmation")
        headers = {
            "X-OCI-NS-MessageType": "SubscriptionConfirmation",
            "X-OCI-NS-ConfirmationURL": url,
            "X-OCI-NS-State": "Pending",
            "Content-Type": "application/json",
        }
        topic = self._store.topic(description["topicId"])
        body = json.dumps({"ConfirmationURL": url}).encode()
        push(subscription, topic, uuid.uuid4().hex, headers, body, "PENDING")

    def _result(self, call: Call, subscription: Subscription, message: str) -> Response:
        description = subscription.description
        topic = self._store.topic(description["topicId"])
        return Response.of_json(
            {
                "topicName": topic["name"],
                "topicId": topic["topicId"],
                "endpoint": description["endpoint"],
                "unsubscribeUrl": self._link(call, subscription, "unsubscription"),
                "message": message,
                "subscriptionId": description["id"],
            }
        )

    def _link(self, call: Call, subscription: Subscription, what: str) -> str:
        identity, protocol = subscription.description["id"], subscription.description["protocol"]
        query = urlencode({"token": subscription.token, "protocol": protocol})
        return f"{call.request.base_url}/20181201/subscriptions/{identity}/{what}?{query}"
