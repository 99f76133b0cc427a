"""Makes matinee.json: CATs (CTA-5007) with what to think of each, by an implementation that is not ours.

In: nothing. Out: matinee.json beside this file, the same bytes each time. Needs `pip install cbor2 cryptography`.
The keys are examples: they stand in this file and protect nothing.
"""

import base64
import hashlib
import hmac
import json
import pathlib

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

NOW = 1_800_000_000
SHOW = bytes([1] * 10)
SESSION = bytes([3] * 10)
SHOW_TEXT = "040g2081" * 2  # Crockford's base 32 of SHOW
TICKET_TEXT = "081040g2" * 2  # of ten twos
SECRET = bytes(range(32))
OTHER = bytes(range(100, 132))
EC = ec.derive_private_key(int.from_bytes(bytes([9] * 32), "big"), ec.SECP256R1())
URL = f"https://tv.example/live/{SHOW_TEXT}/index.m3u8"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk_hs(kid, secret, **more):
    return {"kty": "oct", "alg": "HS256", "use": "cat", "kid": kid, "k": b64(secret), **more}


def jwk_es(kid, **more):
    public = EC.public_key().public_numbers()
    x, y = (b64(n.to_bytes(32, "big")) for n in (public.x, public.y))
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "cat", "kid": kid, "x": x, "y": y, **more}


KEYS = {
    "house": {"keys": [jwk_hs("h1", SECRET), jwk_es("e1")]},
    "partner": {"keys": [jwk_hs("p1", SECRET, iss=["partner", "partner-2"], aud=["tv", "film"])]},
    "aws": {"keys": [jwk_hs("key:default", SECRET, iss="cta-secure-media", labels="aws")]},
    "rotated": {"keys": [jwk_hs("h1", SECRET, exp=NOW), jwk_hs("h2", OTHER, nbf=NOW - 100)]},
}


def mac0(claims, secret=SECRET, kid=b"h1", alg=5, tags=(61, 17), where="protected", label=4, protected=None, unprotected=None, raw=None, cut=None):
    """COSE_Mac0. The named arguments make the odd ones."""
    p = dict(protected or {1: alg})
    u = dict(unprotected or {})
    if kid is not None:
        (p if where == "protected" else u)[label] = kid
    p = cbor2.dumps(p)
    payload = cbor2.dumps(claims) if raw is None else raw
    tag = hmac.new(secret, cbor2.dumps(["MAC0", p, b"", payload]), hashlib.sha256).digest()[:cut]
    message = [p, u, payload, tag]
    for number in reversed(tags):
        message = cbor2.CBORTag(number, message)
    return cbor2.dumps(message)


def sign1(claims, kid=b"e1", alg=-7, tags=(61, 18)):
    p = cbor2.dumps({1: alg, 4: kid})
    payload = cbor2.dumps(claims)
    digest = cbor2.dumps(["Signature1", p, b"", payload])
    der = EC.sign(digest, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = utils.decode_dss_signature(der)
    message = [p, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")]
    for number in reversed(tags):
        message = cbor2.CBORTag(number, message)
    return cbor2.dumps(message)


def shown(value):
    """A claim as JSON: bytes and tags are said."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, cbor2.CBORTag):
        return {"tag": value.tag, "value": shown(value.value)}
    if isinstance(value, dict):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return value


vectors = []


def add(name, token, expect, claims=None, keys="house", text=None, **request):
    request = {"now": NOW, "method": "GET", "url": URL, **request}
    text = text or b64(token)
    vector = {"name": name, "keys": keys, "token": text, "request": request, "expect": expect}
    if claims is not None:
        vector["claims"] = shown(claims)
    vectors.append(vector)


def both(name, claims, expect, **request):
    """The same claims by HS256 and ES256."""
    add(f"{name}, HS256", mac0(claims), expect, claims, **request)
    add(f"{name}, ES256", sign1(claims), expect, claims, **request)


def base():
    return {1: "matinee", 4: NOW + 100, 5: NOW - 10, 6: NOW - 10}


def on(label, value):
    return {**base(), label: value}


HOUSE = {
    1: "matinee", 2: TICKET_TEXT, 3: "playback", 4: NOW + 100, 5: NOW, 6: NOW, 7: SESSION, 310: 1,
    312: {3: {1: f"/live/{SHOW_TEXT}/"}}, -70001: {0: SHOW, 1: "all"},
}
RULED = {
    **HOUSE, 316: ["DE", "AT"],
    -70001: {0: SHOW, 1: "preview", 2: {0: 720, 2: ["DE", "AT"], 4: 1, 5: 300}},
}
OK = "accept"


def tokens_of_the_house():
    both("a token of the house", HOUSE, OK)
    both("a token of the house with a policy", RULED, OK, country="FR")
    both("the house's claim without its show", on(-70001, {1: "all"}), "token_claim_malformed")
    both("the house's claim with a policy of tomorrow", on(-70001, {0: SHOW, 1: "a", 2: {8: 30}}), "token_claim_malformed")
    add("the house's claim by a partner's key", mac0({**HOUSE, 1: "partner", 3: "tv"}, kid=b"p1"), "token_claim_unenforceable", keys="partner")


def times_and_names():
    both("no claims at all", {}, OK)
    both("within its time", base(), OK)
    both("its end is exclusive", on(4, NOW), "token_expired")
    both("a second before its end", on(4, NOW + 1), OK)
    both("an end with a fraction", on(4, NOW + 0.5), "token_expired")
    both("an end that is a text", on(4, "never"), "token_claim_malformed")
    both("it begins in an hour", on(5, NOW + 3600), "token_not_yet_valid")
    both("an issuer's clock ten seconds ahead", on(5, NOW + 10), OK)
    both("it was issued in an hour", on(6, NOW + 3600), "token_not_yet_valid")
    both("another issuer", on(1, "somebody"), "token_forged")
    both("an issuer that is a number", on(1, 5), "token_claim_malformed")
    both("no issuer: the key's", {4: NOW + 100}, OK)
    both("for playback", on(3, "playback"), OK)
    both("for playback and more", on(3, ["studio", "playback"]), OK)
    both("for the studio", on(3, "studio"), "token_wrong_audience")
    both("for nobody", on(3, []), "token_wrong_audience")
    both("a subject that is a number", on(2, 5), "token_claim_malformed")
    both("an id of bytes", on(7, b"\x01\x02"), OK)
    both("an id that is a number", on(7, 7), "token_claim_malformed")
    both("version 1", on(310, 1), OK)
    both("version 2", on(310, 2), "token_claim_unenforceable")
    add("a partner's second name", mac0({1: "partner-2", 3: ["film"]}, kid=b"p1"), OK, keys="partner")
    add("a partner speaks for the house", mac0({1: "matinee"}, kid=b"p1"), "token_forged", keys="partner")
    add("a partner's token for the house's audience", mac0({3: "playback"}, kid=b"p1"), "token_wrong_audience", keys="partner")


def addresses():
    url = "https://tv.example:8443/content/path/file.v2.m3u8?b=2&a=1"
    for name, part, match, value, holds in [
        ("scheme", 0, 0, "https", 1), ("another scheme", 0, 0, "http", 0), ("host in capitals", 1, 0, "TV.Example", 1),
        ("host's end", 1, 2, ".example", 1), ("another host", 1, 0, "film.example", 0), ("port", 2, 0, "8443", 1),
        ("port as a number", 2, 0, 8443, 1), ("another port", 2, 0, "443", 0), ("path's beginning", 3, 1, "/content/", 1),
        ("path's case", 3, 1, "/Content/", 0), ("path holds", 3, 3, "/path/", 1), ("path holds not", 3, 3, "/paths/", 0),
        ("query in another order", 4, 0, "a=1&b=2", 1), ("query", 4, 0, "a=1", 0), ("parent path", 5, 0, "/content/path", 1),
        ("file name", 6, 2, ".m3u8", 1), ("stem to the last dot", 7, 0, "file.v2", 1), ("stem to the first dot", 7, 0, "file", 1),
        ("another stem", 7, 0, "v2", 0), ("extension from the last dot", 8, 0, ".m3u8", 1),
        ("extension from the first dot", 8, 0, ".v2.m3u8", 1), ("extension without its dot", 8, 0, "m3u8", 0),
        ("regular expression", 3, 4, ["^/content/[a-z]+/"], 1), ("regular expression that fails", 3, 4, ["^/live/"], 0),
        ("regular expression with a group", 3, 4, ["^/content/([a-z]+)/", "path"], 1),
        ("regular expression with another group", 3, 4, ["^/content/([a-z]+)/", "root"], 0),
        ("SHA-256 as bytes", 5, -1, hashlib.sha256(b"/content/path").digest(), 1),
        ("SHA-256 as text", 5, -1, hashlib.sha256(b"/content/path").hexdigest(), 1),
        ("SHA-256 of another", 5, -1, hashlib.sha256(b"/content").digest(), 0),
        ("SHA-512/256", 5, -2, hashlib.new("sha512_256", b"/content/path").digest(), 1),
        ("SHA-512, cut", 5, -2, hashlib.sha512(b"/content/path").digest()[:32], 1),
        ("SHA-512, whole, as text", 5, -2, hashlib.sha512(b"/content/path").hexdigest(), 1),
    ]:
        claims = on(312, {part: {match: value}})
        add(f"catu: {name}", mac0(claims), OK if holds else "token_wrong_address", claims, url=url)
    two = on(312, {3: {1: "/content/", 2: ".mpd"}})
    add("catu: every match of a part counts", mac0(two), "token_wrong_address", two, url=url)
    tar = on(312, {7: {0: "file"}, 8: {0: ".m3u8"}})
    add("catu: a name is taken apart in one way", mac0(tar), "token_wrong_address", tar, url=url)
    for name, value in [
        ("an unknown part", {9: {0: "x"}}), ("an unknown part beside one that fails", {0: {0: "ftp"}, 42: {0: "x"}}),
        ("an unknown match", {3: {5: "/"}}), ("no part", {}), ("a part without a match", {3: {}}), ("a text", "/live/"),
        ("a regular expression that is none", {3: {4: ["("]}}), ("a regular expression as large as a house", {3: {4: ["(a{100}){100}"]}}),
        ("a regular expression that looks back", {3: {4: ["(?<=a)b"]}}), ("five regular expressions", {n: {4: ["a"]} for n in (0, 1, 3, 5, 6)}),
        ("a long regular expression", {3: {4: ["a" * 257]}}),
    ]:
        add(f"catu: {name}", mac0(on(312, value)), "token_claim_malformed", on(312, value), url=url)


def requests():
    for name, label, value, expect, request in [
        ("catm: GET", 313, ["GET", "HEAD"], OK, {}), ("catm: POST", 313, ["GET"], "token_wrong_method", {"method": "POST"}),
        ("catm: a case of its own", 313, ["get"], "token_wrong_method", {}), ("catm: none", 313, [], "token_claim_malformed", {}),
        ("catm: numbers", 313, [1], "token_claim_malformed", {}),
        ("catalpn: h2", 314, ["h2", b"h3"], OK, {"alpn": "h2"}), ("catalpn: bytes", 314, ["h2", b"h3"], OK, {"alpn": "h3"}),
        ("catalpn: HTTP/1.1", 314, ["h2"], "token_wrong_protocol", {"alpn": "http/1.1"}),
        ("catalpn: not known", 314, ["h2"], "token_wrong_protocol", {}),
        ("cath: a header", 315, {"User-Agent": {1: "Player/"}}, OK, {"headers": {"user-agent": "Player/2"}}),
        ("cath: another", 315, {"user-agent": {1: "Player/"}}, "token_wrong_header", {"headers": {"user-agent": "curl"}}),
        ("cath: none", 315, {"user-agent": {3: ""}}, "token_wrong_header", {}),
        ("cath: an unknown match beside none", 315, {"a": {0: "x"}, "b": {77: "x"}}, "token_claim_malformed", {}),
        ("catgeoiso3166: here", 316, ["DE", "AT"], OK, {"country": "AT"}),
        ("catgeoiso3166: lower case", 316, ["de"], OK, {"country": "DE"}),
        ("catgeoiso3166: elsewhere", 316, ["DE"], "token_wrong_country", {"country": "FR"}),
        ("catgeoiso3166: not known", 316, ["DE"], "token_wrong_country", {}),
        ("catgeoiso3166: a part of a country", 316, ["US-CA"], "token_wrong_country", {"country": "US"}),
        ("catnip: an address", 311, [cbor2.CBORTag(52, bytes([192, 0, 2, 1]))], OK, {"ip": "192.0.2.1"}),
        ("catnip: an address in IPv6's clothes", 311, [cbor2.CBORTag(52, bytes([192, 0, 2, 1]))], OK, {"ip": "::ffff:192.0.2.1"}),
        ("catnip: another address", 311, [cbor2.CBORTag(52, bytes([192, 0, 2, 1]))], "token_wrong_network", {"ip": "192.0.2.2"}),
        ("catnip: a prefix", 311, [cbor2.CBORTag(52, [24, bytes([192, 0, 2])])], OK, {"ip": "192.0.2.9"}),
        ("catnip: a prefix with its zeros", 311, [cbor2.CBORTag(54, [56, bytes.fromhex("20010db8000020000000000000000000")])], OK, {"ip": "2001:db8:0:2000::1"}),
        ("catnip: another prefix", 311, [cbor2.CBORTag(54, [56, bytes.fromhex("20010db8000020")])], "token_wrong_network", {"ip": "2001:db9:0:2000::1"}),
        ("catnip: a text", 311, ["192.0.2.0/24"], OK, {"ip": "192.0.2.77"}),
        ("catnip: a system", 311, [4321, 64496], OK, {"asn": 64496}), ("catnip: another system", 311, [4321], "token_wrong_network", {"asn": 64496}),
        ("catnip: not known", 311, [4321, "0.0.0.0/0", "::/0"], "token_wrong_network", {}),
        ("catnip: a bad entry after a good one", 311, [4321, cbor2.CBORTag(52, b"123")], "token_claim_malformed", {"asn": 4321}),
        ("catreplay: permitted", 308, 0, OK, {}), ("catreplay: prohibited, first use", 308, 1, OK, {}),
        ("catreplay: prohibited, no memory", 308, 1, "token_claim_unenforceable", {"remembers": False}),
        ("catreplay: reuse is watched", 308, 2, OK, {"remembers": False}), ("catreplay: 3", 308, 3, "token_claim_malformed", {}),
        ("catr: by cookie", 323, {0: 1, 1: 120, 2: 60, 5: ["Secure", "HttpOnly"]}, OK, {}),
        ("catr: no type", 323, {1: 120}, "token_claim_malformed", {}), ("catr: an unknown type", 323, {0: 4, 1: 120}, "token_claim_malformed", {}),
        ("catr: an unknown member", 323, {0: 1, 1: 120, 8: 1}, "token_claim_malformed", {}),
        ("catr: without end", 323, {0: 3, 1: 60, 2: 60}, "token_claim_malformed", {}),
        ("catr: a header in a parameter", 323, {0: 1, 1: 120, 5: "a\r\nx: y"}, "token_claim_malformed", {}),
        ("catif: of another claim", 322, {4: [307, {"Location": "https://tv.example/"}]}, OK, {}),
        ("catifdata", 320, ["a", "b"], OK, {}), ("a watermark", 304, b"\x01\x02", OK, {}),
    ]:
        claims = on(label, value)
        add(name, mac0(claims), expect, claims, **request)
    for name, label in [
        ("cnf", 8), ("nonce", 10), ("geohash", 282), ("catpor", 309), ("catgeocoord", 317), ("catgeoalt", 318), ("cattpk", 319),
        ("catdpop", 321), ("cattprint", 324), ("a claim of tomorrow", 330), ("a private claim", -65537), ("AWS's catu", 401),
    ]:
        both(f"{name} cannot be enforced", on(label, [1]), "token_claim_unenforceable")


def envelopes():
    claims = base()
    add("kid unprotected", mac0(claims, where="unprotected"), OK)
    add("kid under the text 4", mac0(claims, where="unprotected", label="4"), OK)
    add("kid as a text", mac0(claims, kid="h1"), OK)
    add("no kid", mac0(claims, kid=None), OK)
    add("kid twice", mac0(claims, unprotected={4: b"h1"}), "token_malformed")
    add("kid of nobody", mac0(claims, kid=b"h9"), "token_forged")
    add("no CWT tag", mac0(claims, tags=(17,)), OK)
    add("no COSE tag", mac0(claims, tags=(61,)), "token_malformed")
    add("no tag", mac0(claims, tags=()), "token_malformed")
    add("two CWT tags", mac0(claims, tags=(61, 61, 17)), "token_malformed")
    add("COSE_Mac, not COSE_Mac0", mac0(claims, tags=(61, 97)), "token_malformed")
    add("maps in tag 259", mac0(cbor2.CBORTag(259, {1: "matinee", 312: cbor2.CBORTag(259, {0: cbor2.CBORTag(259, {0: "https"})})})), OK)
    add("padded", None, OK, text=base64.urlsafe_b64encode(mac0(on(7, b"x"))).decode())
    add("base64 of the other alphabet", None, OK, text=base64.b64encode(mac0(on(7, b"\xff\xfe\xfd"))).decode())
    add("claims as hexadecimal text", mac0(None, raw=cbor2.dumps(claims).hex()), OK)
    add("a MAC in the place of a signature", mac0(claims, tags=(61, 18)), "token_forged")
    add("a signature in the place of a MAC", sign1(claims, tags=(61, 17)), "token_forged")
    add("a MAC that calls itself a signature", mac0(claims, alg=-7, tags=(61, 18), kid=b"e1"), "token_forged")
    public = b64(EC.public_key().public_numbers().x.to_bytes(32, "big")).encode()
    add("a MAC with the public key as its secret", mac0(claims, secret=public, kid=b"e1"), "token_forged")
    add("a MAC cut to 64 bits", mac0(claims, alg=4, cut=8), "token_forged")
    add("a cut MAC that says it is whole", mac0(claims, cut=8), "token_forged")
    add("an empty MAC", mac0(claims, cut=0), "token_forged")
    add("HMAC-SHA-512", mac0(claims, alg=7), "token_forged")
    add("PS256", sign1(claims, alg=-37), "token_forged")
    add("EdDSA", sign1(claims, alg=-8), "token_forged")
    add("an algorithm that nobody protected", mac0(claims, protected={99: 1}, unprotected={1: 5}), "token_forged")
    add("a header that must be understood", mac0(claims, protected={1: 5, 2: [99], 99: 1}), "token_forged")
    add("an empty list of what must be understood", mac0(claims, protected={1: 5, 2: []}), "token_forged")
    add("a header nobody needs to understand", mac0(claims, unprotected={99: 1}), OK)
    add("another secret", mac0(claims, secret=OTHER), "token_forged")
    add("claims that are no map", mac0([1, 2]), "token_malformed")
    add("claims that are no CBOR", mac0(None, raw=b"\xff\xff"), "token_malformed")
    add("a claim twice", mac0(None, raw=bytes.fromhex("a2041a6b49d264041a7fffffff")), "token_malformed")
    add("a claim with a name", mac0({"exp": NOW + 100}), "token_malformed")
    deep = 0
    for _ in range(40):
        deep = [deep]
    add("a deep claim", mac0(on(320, deep)), "token_malformed")
    add("a claim of many items", mac0(on(320, [0] * 600)), "token_malformed")
    add("a token beyond all bounds", mac0(on(320, "x" * 4000)), "token_too_large")
    add("something after the end", mac0(claims) + b"\0", "token_malformed")
    add("half a token", mac0(claims)[:40], "token_malformed")
    for name, text in [("nothing but CBOR", "AA"), ("no base64", "!!!"), ("two padded halves", "2D0=2D0=")]:
        add(name, None, "token_malformed", text=text)


def keys():
    claims = {1: "matinee", 4: NOW + 100, 5: NOW - 200, 6: NOW - 200}
    add("the key that rotates out, in time", mac0(claims), OK, keys="rotated", now=NOW - 50)
    add("the key that rotates out, after it", mac0(claims), "token_forged", keys="rotated", now=NOW)
    new = mac0(claims, secret=OTHER, kid=b"h2")
    add("the key that rotates in, in time", new, OK, keys="rotated", now=NOW - 10)
    add("the key that rotates in, before it", new, "token_forged", keys="rotated", now=NOW - 101)
    add("no kid, the second key", mac0(claims, secret=OTHER, kid=None), OK, keys="rotated", now=NOW - 10)


def aws():
    claims = {1: "cta-secure-media", 4: NOW + 7200, 5: NOW, 6: NOW, 7: "session-1", 401: {2: {1: f"/live/{SHOW_TEXT}/"}}}

    def token(claims):
        return mac0(claims, kid=b"key:default", where="unprotected")

    add("AWS", token(claims), OK, claims, keys="aws")
    several = {**claims, 401: {2: {1: ["/vod/", "/live/"]}}}
    add("AWS: one of several paths", token(several), OK, several, keys="aws")
    none = {**claims, 401: {2: {1: ["/vod/", "/film/"]}}}
    add("AWS: none of several paths", token(none), "token_wrong_address", none, keys="aws")
    exact = {**claims, 401: {3: {3: ".m3u8"}, 1: {2: ".example"}}}
    add("AWS: extension and host", token(exact), OK, exact, keys="aws")
    network = {**claims, 402: ["192.0.2.1"], 403: ["GET"], 316: ["de"]}
    add("AWS: address, method, country", token(network), OK, network, keys="aws", ip="192.0.2.1", country="DE")
    add("AWS: another address", token(network), "token_wrong_network", network, keys="aws", ip="192.0.2.2", country="DE")
    part = {**claims, 401: {4: {1: "/"}}}
    add("AWS: an unknown part", token(part), "token_claim_malformed", part, keys="aws")


tokens_of_the_house()
times_and_names()
addresses()
requests()
envelopes()
keys()
aws()

names = [vector["name"] for vector in vectors]
assert len(set(names)) == len(names), [name for name in names if names.count(name) > 1]
about = [
    "Common Access Tokens (CTA-5007) and what to think of each: `accept`, or the code of the refusal in docs/edge.md.",
    "`keys` are JWK sets; their members `use`, `iss`, `aud`, `labels`, `nbf` and `exp` are explained in docs/edge.md.",
    "`request` is what the token is checked against, `claims` what it says, for people. Made by make.py.",
]
head = json.dumps({"about": about, "show": SHOW_TEXT, "keys": KEYS}, indent=1)
lines = ",\n".join("  " + json.dumps(vector, ensure_ascii=False) for vector in vectors)
document = head.removesuffix("\n}") + ',\n "vectors": [\n' + lines + "\n ]\n}\n"
pathlib.Path(__file__).with_name("matinee.json").write_text(document)
