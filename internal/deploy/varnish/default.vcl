# cutline behind Varnish 7.1 or newer with varnish-modules (xkey). README.md beside it says what was tested.
# Yours to change: the addresses of the two nodes, and who may purge.
vcl 4.1;

import directors;
import std;
import xkey;

# A node that drains says 503 before it stops. One that is degraded says 200 and goes on.
probe ready {
    .url = "/readyz";
    .interval = 2s;
    .timeout = 1s;
    .window = 4;
    .threshold = 2;
    .initial = 2;
}

backend node_a {
    .host = "127.0.0.1";
    .port = "8081";
    .probe = ready;
    .connect_timeout = 1s;
    .first_byte_timeout = 40s; # more than a picture may take: 15 s to fetch, 5 s in the queue, 10 s to make
    .between_bytes_timeout = 10s;
}

backend node_b {
    .host = "127.0.0.1";
    .port = "8082";
    .probe = ready;
    .connect_timeout = 1s;
    .first_byte_timeout = 40s;
    .between_bytes_timeout = 10s;
}

# Who may purge. Behind something on this machine that ends TLS, everybody comes from here: have it speak the PROXY protocol, or
# give varnishd a token in the environment, VARNISH_PURGE_TOKEN, which then has to come as "Authorization: Bearer …".
acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_init {
    new nodes = directors.shard();
    nodes.add_backend(node_a);
    nodes.add_backend(node_b);
    nodes.reconfigure();
}

sub vcl_recv {
    if (req.restarts == 0) {
        unset req.http.Cutline-Picture;
        unset req.http.Cutline-Failed;
    }
    if (req.method == "PURGE") {
        call cutline_purge;
    }
    if (req.url == "/livez" || req.url == "/readyz") {
        return (synth(404)); # for whoever runs the nodes, at the nodes
    }

    # All sizes of a picture are made by one node, which fetches the original once; the other takes over when it is gone.
    if (req.url ~ "^/[ip]/[^?]+/") {
        set req.http.Cutline-Picture = regsub(req.url, "^(/[ip]/[^?]+)/.*", "\1");
    } else {
        set req.http.Cutline-Picture = regsub(req.url, "\?.*", "");
    }
    set req.backend_hint = nodes.backend(by=KEY, key=nodes.key(req.http.Cutline-Picture));

    # Objects are kept for as long as stale-if-error allows (vcl_backend_response). While there is a node that works, and has not
    # just failed for this picture, they are shown for stale-while-revalidate only: cutline's is a week.
    if (std.healthy(req.backend_hint) && !req.http.Cutline-Failed) {
        set req.grace = 7d;
    }

    # Of Accept only this matters: which of the formats that not every client reads are named with a weight above zero.
    # Addresses that vary by it say so (Vary), and have four copies at most.
    if (req.restarts == 0) {
        std.collect(req.http.Accept);
        set req.http.Cutline-Accept = "";
        if (req.http.Accept ~ "(?i)(?:^|,)\s*image/avif\s*(?:,|$|;\s*q=(?:1|0?\.0*[1-9]))") {
            set req.http.Cutline-Accept = "image/avif,";
        }
        if (req.http.Accept ~ "(?i)(?:^|,)\s*image/webp\s*(?:,|$|;\s*q=(?:1|0?\.0*[1-9]))") {
            set req.http.Cutline-Accept = req.http.Cutline-Accept + "image/webp,";
        }
        unset req.http.Accept;
        if (req.http.Cutline-Accept != "") {
            set req.http.Accept = req.http.Cutline-Accept;
        }
        unset req.http.Cutline-Accept;
    }

    # cutline reads neither, and Varnish would pass every request that has them.
    unset req.http.Cookie;
    unset req.http.Authorization;

    if (req.method != "GET" && req.method != "HEAD") {
        return (pass); # OPTIONS is answered, everything else refused
    }
    return (hash);
}

# PURGE /, with keys in Surrogate-Key, separated by spaces; with "Soft-Purge: 1" what has them is stale instead of gone: the next reader
# still gets it, and it is fetched anew behind.
sub cutline_purge {
    if (client.ip !~ purgers) {
        return (synth(403, "Not allowed"));
    }
    if (std.getenv("VARNISH_PURGE_TOKEN") != "" && req.http.Authorization != "Bearer " + std.getenv("VARNISH_PURGE_TOKEN")) {
        return (synth(403, "Not allowed"));
    }
    std.collect(req.http.Surrogate-Key, " ");
    if (!req.http.Surrogate-Key) {
        return (synth(400, "Expected keys in Surrogate-Key"));
    }
    if (req.http.Soft-Purge == "1") {
        set req.http.Purged = xkey.softpurge(req.http.Surrogate-Key);
    } else {
        set req.http.Purged = xkey.purge(req.http.Surrogate-Key);
    }
    return (synth(200, req.http.Purged + " purged"));
}

# The address to the byte, as signatures are over it; not the host, which cutline does not look at.
sub vcl_hash {
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_fetch {
    # After a failure the other one.
    set bereq.backend = nodes.backend(by=KEY, key=nodes.key(bereq.http.Cutline-Picture), alt=bereq.retries);
    unset bereq.http.Cutline-Picture;
    unset bereq.http.Cutline-Failed;
}

sub vcl_backend_response {
    if (beresp.status >= 500) {
        if (bereq.is_bgfetch) {
            return (abandon); # what is kept stays
        }
        if ((beresp.status == 502 || beresp.status == 503) && bereq.retries == 0) {
            return (retry); # too busy, or without the original: the other may not be
        }
        set beresp.ttl = 0s; # not hit-for-miss, which would hide what is kept
        set beresp.grace = 0s;
        set beresp.keep = 0s;
        if (bereq.http.If-None-Match) {
            set beresp.http.Cutline-Kept = "1"; # there is one: vcl_deliver
        }
        return (deliver);
    }
    if ((beresp.status == 415 || beresp.status == 422) && beresp.http.Cache-Control ~ "max-age=[0-9]") {
        # Cached as cutline says; left to itself Varnish would ask for each reader.
        set beresp.ttl = std.duration(regsub(beresp.http.Cache-Control, ".*max-age=([0-9]+).*", "\1s"), 0s);
    }
    # Varnish reads stale-while-revalidate, and knows no stale-if-error. Where there is neither (signed addresses that end), nothing
    # stale is shown.
    set beresp.grace = 0s;
    if (beresp.http.Cache-Control ~ "stale-if-error=[0-9]") {
        set beresp.grace = std.duration(regsub(beresp.http.Cache-Control, ".*stale-if-error=([0-9]+).*", "\1s"), 0s);
    }
    set beresp.keep = 1d; # to be revalidated without a body
    set beresp.http.xkey = beresp.http.Surrogate-Key;
}

sub vcl_backend_error {
    if (bereq.retries == 0 && !bereq.is_bgfetch) {
        return (retry);
    }
    set beresp.status = 503;
    set beresp.reason = "Service Unavailable";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    set beresp.http.Content-Type = "text/plain; charset=utf-8";
    set beresp.http.X-Content-Type-Options = "nosniff";
    if (bereq.http.If-None-Match) {
        set beresp.http.Cutline-Kept = "1";
    }
    synthetic({"No node answers at the moment.
"});
    return (deliver);
}

sub vcl_deliver {
    if (resp.http.Cutline-Kept) {
        if (req.restarts == 0) {
            set req.http.Cutline-Failed = "1";
            return (restart); # with all of the grace that the object has
        }
        unset resp.http.Cutline-Kept;
    }
    # For caches, not for readers. Remove the last two where another cache in front purges by them.
    unset resp.http.xkey;
    unset resp.http.Surrogate-Key;
    unset resp.http.Cache-Tag;

    if (obj.uncacheable) {
        set req.http.Cutline-Status = "varnish; fwd=miss";
    } else if (obj.hits == 0) {
        set req.http.Cutline-Status = "varnish; fwd=miss; stored";
    } else if (obj.ttl > 0s) {
        set req.http.Cutline-Status = "varnish; hit";
    } else {
        set req.http.Cutline-Status = "varnish; hit; detail=stale";
    }
    if (obj.hits > 0) {
        unset resp.http.Server-Timing; # of whoever asked first
    }
    if (resp.http.Cache-Status) {
        set resp.http.Cache-Status = resp.http.Cache-Status + ", " + req.http.Cutline-Status;
    } else {
        set resp.http.Cache-Status = req.http.Cutline-Status;
    }
}

sub vcl_synth {
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    set resp.http.X-Content-Type-Options = "nosniff";
    set resp.body = resp.reason + {"
"};
    return (deliver);
}
