"""
Stands on a link, at the address of the server: mallory.py HOW ADDRESS BACK-DOOR CERTIFICATE KEY RECORDS.

Says "heard" with what he was told in a way that he can read, on 5061 or 5060, over TCP or UDP; "shown" if he was shown a certificate; and "wire"
with the hexadecimal bytes that came, so that the test may look for names in them.

`truncate` and `replay` pass the bytes on to the true server, which is at BACK-DOOR: the first cuts in the middle of the first record after the
handshake, the second sends all that came until then once more on a connection of its own. RECORDS are those of the client's handshake. `rewrite` speaks to that server himself, in the name of
alice, and under sip what she would have said under sips; he says "answered" with the response.
"""

import socket
import ssl
import sys
import threading

how, address, back_door, certificate, key, n_records = sys.argv[1:]


def say(*words):
    print(*words, flush=True)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if how == "old-tls":
        made.set_ciphers("DEFAULT@SECLEVEL=0")
        made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1
    made.load_cert_chain(certificate, key)
    # to see whether he is shown one; nothing that is shown has to be good
    made.verify_mode = ssl.CERT_OPTIONAL
    made.load_verify_locations(certificate)
    return made


def shake_hands(sock):
    """Bytes go through memory, so that those of the wire are seen as well."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = TLS.wrap_bio(incoming, outgoing, server_side=True)
    data = b"first"
    while data:
        data = sock.recv(65536)
        say("wire", data.hex())
        incoming.write(data)
        try:
            tls.do_handshake()
            sock.sendall(outgoing.read())
            if tls.getpeercert(binary_form=True):
                say("shown")
            while text := tls.read(65536):
                say("heard", text[:60])
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
        except ssl.SSLError:
            sock.sendall(outgoing.read())  # his alert
            raise


def talk(sock, port):
    try:
        if port == 5061 and how != "plain":
            shake_hands(sock)
            return
        if port == 5061:
            sock.sendall(b"SIP/2.0 200 OK\r\n\r\n")
        while data := sock.recv(65536):
            say("wire", data.hex())
            if data[0] not in (20, 21, 22):  # records of TLS are not for him to read
                say("heard", data[:60])
    except (OSError, ssl.SSLError):
        pass
    finally:
        sock.close()


# -- who only passes bytes on -------------------------------------------------------------------------------------


def back(server, sock):
    try:
        while data := server.recv(65536):
            sock.sendall(data)
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def records(sock):
    """One TLS record after the other, whole."""
    stream = sock.makefile("rb")
    while len(head := stream.read(5)) == 5:
        yield head + stream.read(int.from_bytes(head[3:], "big"))


def is_request(number, record):
    """
    In TLS 1.3 a client sends its hello, change-cipher-spec, one record that ends the handshake, three if it shows a certificate, and then
    requests.
    """
    return record[0] == 23 and number >= int(n_records) and len(record) > 300


def pass_on(sock, _):
    server = socket.create_connection((back_door, 5061))
    threading.Thread(target=back, args=(server, sock), daemon=True).start()
    sent = []
    try:
        for number, record in enumerate(records(sock)):
            say("wire", record.hex())
            sent.append(record)
            if how == "truncate" and is_request(number, record):
                server.sendall(record[: len(record) // 2])
                say("cut")
                break
            server.sendall(record)
            if is_request(number, record):
                threading.Thread(target=again, args=(b"".join(sent),), daemon=True).start()
    except OSError:
        pass
    server.close()
    sock.close()


def again(everything):
    with socket.create_connection((back_door, 5061)) as server:
        server.settimeout(5)
        server.sendall(everything)
        try:
            while server.recv(65536):
                pass
        except OSError:
            pass
    say("replayed", len(everything))


# -- who speaks for somebody else -----------------------------------------------------------------------------------

REWRITTEN = """MESSAGE sip:bob@b.example SIP/2.0\r
Via: SIP/2.0/TLS somebody-else.example:5061;branch=z9hG4bKrewritten\r
Max-Forwards: 70\r
From: <sip:alice@a.example>;tag=1\r
To: <sip:bob@b.example>\r
Call-ID: rewritten\r
CSeq: 1 MESSAGE\r
Content-Type: text/plain\r
Content-Length: 9\r
\r
rewritten"""


def rewrite():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    tls.load_cert_chain(certificate, key)
    with tls.wrap_socket(socket.create_connection((back_door, 5061)), server_hostname="b.example") as sock:
        sock.sendall(REWRITTEN.encode())
        say("answered", sock.recv(65536))


# -- listening ------------------------------------------------------------------------------------------------------


def serve(port):
    server = socket.create_server((address, port))
    answer = pass_on if how in ("truncate", "replay") and port == 5061 else talk
    while True:
        threading.Thread(target=answer, args=(server.accept()[0], port), daemon=True).start()


def serve_udp():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 5060))
    while True:
        say("heard", server.recv(65536)[:60])


if how == "rewrite":
    rewrite()
    sys.exit()
TLS = context()
for port in (5060,) if how == "refuse" else (5060, 5061):
    threading.Thread(target=serve, args=(port,), daemon=True).start()
threading.Thread(target=serve_udp, daemon=True).start()
say("listening")
threading.Event().wait()
