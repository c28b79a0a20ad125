"""The other phone, played by the test: a dialog with sealphone through sealined, message by message, at whatever turn is wanted."""

import base64
import re
import secrets

from sealine_e2e import Client


def describe(direction="sendrecv", port=20000):
    """A description with fresh keys; nothing listens there."""
    key = base64.b64encode(secrets.token_bytes(30)).decode()
    return (
        "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\na={direction}\r\n"
    )


SDP = "Content-Type: application/sdp"


class Peer(Client):
    """Registered over TLS, and then one end of a dialog; tag is its own, theirs that of the phone."""

    def take_request(self, method, seconds=15):
        return self.expect(lambda message: message.method == method, seconds)

    def take_invite(self, method="INVITE"):
        """The request by which the phone begins a dialog; what that needs is remembered."""
        invite = self.take_request(method)
        self.call_id, self.tag = invite.get("Call-ID"), "t" + secrets.token_hex(4)
        self.theirs = re.search(r";tag=([^;]+)", invite.get("From")).group(1)
        self.target = re.search(r"<([^>]+)>", invite.get("Contact")).group(1)
        self.routes = [f"Route: {value}" for value in invite.all("Record-Route")]
        self.uri = re.search(r"<([^>]+)>", invite.get("From")).group(1)
        return invite

    def invite(self, uri, headers=(), body=None):
        """Sends an INVITE, with credentials once they are asked for; gives its number."""
        self.tag, self.call_id = "f" + secrets.token_hex(4), secrets.token_hex(8)
        body = describe() if body is None else body
        headers = [*headers, *([SDP] if body else [])]
        parts = {"from_tag": self.tag, "call_id": self.call_id, "body": body}
        self.send(self.request("INVITE", uri, headers=headers, **parts))
        challenge = self.expect(lambda message: message.status in (180, 401, 407))
        if challenge.status == 180:
            self.waiting.append(challenge)
            return self.cseq
        self.ack_failure(challenge, uri)
        headers.append(self.answer_to(challenge, "INVITE", uri))
        self.send(self.request("INVITE", uri, headers=headers, **parts))
        return self.cseq

    def take_ringing(self, status=180, seconds=15):
        """A response that makes the early dialog of an INVITE of ours."""
        response = self.expect(lambda message: message.status == status, seconds)
        self.remember(response)
        return response

    def remember(self, response):
        self.theirs = re.search(r";tag=([^;]+)", response.get("To")).group(1)
        self.target = re.search(r"<([^>]+)>", response.get("Contact")).group(1)
        self.routes = [f"Route: {value}" for value in reversed(response.all("Record-Route"))]
        self.uri = re.search(r"<([^>]+)>", response.get("To")).group(1)

    def respond(self, request, status, reason, headers=(), body=""):
        self.reply(request, status, reason, headers=[*headers, *([SDP] if body else [])], body=body, tag=self.tag)

    def inside(self, method, headers=(), body="", cseq=None, text=""):
        """Sends a request in the dialog, with a description or some other text, whose type is among the headers."""
        self.send(
            self.request(
                method, self.target, to=self.uri, to_tag=self.theirs, from_tag=self.tag, call_id=self.call_id, cseq=cseq,
                headers=[*self.routes, *headers, *([SDP] if body else [])], body=body or text,
            )
        )
