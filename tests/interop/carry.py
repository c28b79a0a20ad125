"""Two bare clients at a proxy: alice sends bob the body on standard input as a MESSAGE; what bob gets is printed in base64.

carry.py ADDRESS DOMAIN CA CONTENT-TYPE; in a network namespace of the test's."""

import base64
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here.parent / "lib"), str(here.parent / "e2e")]

from sealine_e2e import Client  # noqa: E402


def main(address, domain, ca, content_type):
    body = sys.stdin.buffer.read()
    alice, bob = (Client(5061, ca, f"{user}@{domain}", f"secret-of-{user}", host=address) for user in ("alice", "bob"))
    for client in (alice, bob):
        client.scheme = "sip"
        client.contact = client.contact.replace("sips:", "sip:").replace(">", ";transport=tls>")
        assert client.register().status == 200
    lines = [f"Content-Type: {content_type}", "Content-Transfer-Encoding: binary", "Content-Disposition: attachment;handling=required"]
    uri = f"sip:bob@{domain}"
    alice.send(alice.request("MESSAGE", uri, headers=lines, body=body))
    challenge = alice.read()
    if challenge.status in (401, 407):
        alice.send(alice.request("MESSAGE", uri, headers=[*lines, alice.answer_to(challenge, "MESSAGE", uri)], body=body))
    message = bob.expect(lambda m: m.method == "MESSAGE")
    bob.reply(message, 200, "OK")
    assert alice.expect(lambda m: m.status >= 200).status == 200
    print(message.get("Content-Type"))
    print(message.get("Content-Transfer-Encoding"))
    print(message.get("Content-Disposition"))
    print(base64.b64encode(message.raw).decode())


main(*sys.argv[1:])
