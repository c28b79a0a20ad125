"""sealphone watches an event package of a phone that the test plays, through sealined (RFC 6665)."""


def take_subscription(bob, expires):
    subscribe = bob.take_invite("SUBSCRIBE")
    bob.respond(subscribe, 200, "OK", headers=[f"Expires: {expires}"])
    return subscribe


def notify(bob, state, body):
    bob.inside("NOTIFY", headers=["Event: dialog", f"Subscription-State: {state}", "Content-Type: text/plain"], text=body)
    return bob.final()


def test_what_happens_there_is_shown_refreshed_and_ended(site, bob):
    alice = site.talking("alice")
    alice.send_line("watch bob dialog")
    subscribe = take_subscription(bob, 12)
    assert subscribe.get("Event") == "dialog" and subscribe.get("Expires") == "3600"
    assert notify(bob, "active;expires=12", "at his desk").status == 200
    told = alice.wait_event("notified")
    assert (told["of"], told["state"], told["text"]) == ("sips:bob@localhost", "active", "at his desk")
    again = bob.take_request("SUBSCRIBE", 10)
    assert f"tag={bob.tag}" in again.get("To") and int(again.get("CSeq").split()[0]) > int(subscribe.get("CSeq").split()[0])
    bob.respond(again, 200, "OK", headers=["Expires: 600"])
    alice.send_line("unwatch")
    last = bob.take_request("SUBSCRIBE")
    assert last.get("Expires") == "0"
    bob.respond(last, 200, "OK", headers=["Expires: 0"])
    assert notify(bob, "terminated;reason=timeout", "").status == 200
    assert alice.wait_event("watch-ended")["cause"] == "hung-up"
    assert notify(bob, "active", "still there?").status == 481


def test_a_watch_that_is_refused_has_its_exit_code(site, bob):
    alice = site.phone("alice", "watch", "bob", "dialog")
    bob.respond(bob.take_invite("SUBSCRIBE"), 489, "Bad Event")
    assert alice.wait() == 1, alice.output
    assert alice.wait_event("watch-ended")["status"] == 489
    alice = site.phone("alice", "watch", "nobody")  # of registrations only one's own are told, whether or not there are others
    assert alice.wait() == 1, alice.output
    assert alice.wait_event("watch-ended")["status"] == 403
