"""Stands where the server of a domain should be: attacker.py ADDRESS HOW CERTIFICATE KEY. Says "heard" and what SIP it was told."""

import socket
import ssl
import subprocess
import sys
import tempfile
import threading

address, how, certificate, key = sys.argv[1:]


def tell(what, data):
    # a TLS record that is not ours to read begins with 22, 21 or 20
    if data and data[0] not in (20, 21, 22):
        print("heard", what, data[:60], flush=True)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = (certificate, key)
    if how == "self-signed":
        path = tempfile.mkdtemp()
        files = (f"{path}/c.pem", f"{path}/c.key")
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3"]
        words += ["-subj", "/CN=e.example", "-addext", "subjectAltName=DNS:e.example", "-out", files[0], "-keyout", files[1]]
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    if how == "old-tls":
        made.set_ciphers("DEFAULT@SECLEVEL=0")
        made.minimum_version = ssl.TLSVersion.TLSv1
        made.maximum_version = ssl.TLSVersion.TLSv1_1
    made.load_cert_chain(*files)
    return made


def talk(sock, port):
    try:
        if port == 5061 and how != "plain":
            sock = tls.wrap_socket(sock, server_side=True)
        elif port == 5061:
            sock.sendall(b"SIP/2.0 200 OK\r\n\r\n")
        while data := sock.recv(65536):
            tell(port, data)
    except OSError:
        pass


def serve(port):
    server = socket.create_server((address, port))
    while True:
        threading.Thread(target=talk, args=(server.accept()[0], port), daemon=True).start()


def serve_udp():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 5060))
    while True:
        tell("udp", server.recv(65536))


tls = context()
for port in (5060,) if how == "refuse" else (5060, 5061):
    threading.Thread(target=serve, args=(port,), daemon=True).start()
threading.Thread(target=serve_udp, daemon=True).start()
print("listening", flush=True)
threading.Event().wait()
