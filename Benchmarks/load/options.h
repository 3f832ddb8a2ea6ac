/* The command line. Part of fanload.c. */
#pragma once

#include "common.h"

enum { M_PUBLISH, M_FANOUT, M_LONGPOLL, M_IDLE };
enum { P_HTTP, P_NATS, P_NATSJS };
static int mode, proto = P_HTTP;
static const char *host = "127.0.0.1";
static int port = 0, sub_port = 0;
static const char *pub_path = "/pub/{t}", *sub_path = "/sub/{t}", *sub_first_path = NULL, *pub_method = "POST",
                  *sub_method = "GET";
static const char *body_tpl = "%B", *item_tpl = "%M", *item_sep = ",", *sub_body = NULL;
static char topic[128] = "";
static unsigned topics = 1;
static char pub_hdrs[4096] = "", sub_hdrs[4096] = "";
static unsigned n_subs = 0, n_pubs = 1, msg_size = 100, batch = 1, window_ = 0, connect_inflight = 128;
static double rate = 0, duration = 5, warmup = 1, drain = 5, max_seconds = 0, settle = 0.5, stall = 2,
              ready_timeout = 30;
static uint64_t count_max = 0;
static bool ready_on_headers = true, quiet = false, strict = false;
static struct {
    char from[64], to[64];
} copyh[8];
static unsigned n_copyh = 0;
static const char *cursor_header = NULL, *cursor_json = NULL, *cursor_init = "";
static int srv_pids[16];
static unsigned n_srv = 0;
static const char *label = "";
static void add_hdr(char *dst, size_t cap, const char *h) {
    size_t n = strlen(dst);
    if (n + strlen(h) + 3 > cap) die("too many headers");
    sprintf(dst + n, "%s\r\n", h);
}

static void usage(void) {
    puts("usage: fanload publish|fanout|longpoll|idle --port P [options]\n"
         "target    --host 127.0.0.1 --port P --sub-port P2   --topic NAME --topics T  ({t} in paths/bodies; default a "
         "fresh name)\n"
         "publisher --pub-path /pub/{t} --pub-method POST --pub-header 'K: V' --pubs N --size S --rate R (msg/s, 0 = "
         "closed loop)\n"
         "          --body '%B' (request body) --item '%M' (one message) --batch B --sep ,   --window W (at most W "
         "undelivered messages)\n"
         "subs      --subs M --sub-path /sub/{t} --sub-method GET --sub-header 'K: V' --sub-body TEXT  ({s} = "
         "subscriber number)\n"
         "          --ready headers|sent (fanout/idle: when a subscriber counts as subscribed)\n"
         "          --sub-first-path PATH (used instead of --sub-path while a subscriber has no cursor yet)\n"
         "cursor    --copy-header 'Last-Modified=If-Modified-Since' (repeatable)   {cursor} in --sub-path with "
         "--cursor-init V and\n"
         "          --cursor-header NAME (value from response header) or --cursor-json KEY (last \"KEY\": value in the "
         "body)\n"
         "bounds    --duration 5 --warmup 1 --count N --drain 5 --settle 0.5 --stall 2 --ready-timeout 30 "
         "--max-seconds (auto)\n"
         "server    --server-pid P[,P..] (CPU and memory, descendants included)\n"
         "protocol  --proto http|nats|natsjs    output: one JSON line on stdout, summary on stderr; --quiet --label L "
         "--strict (exit 3 on loss)");
    exit(1);
}

static void parse_options(int argc, char **argv) {
    if (argc < 2) usage();
    if (!strcmp(argv[1], "publish"))
        mode = M_PUBLISH;
    else if (!strcmp(argv[1], "fanout"))
        mode = M_FANOUT;
    else if (!strcmp(argv[1], "longpoll"))
        mode = M_LONGPOLL;
    else if (!strcmp(argv[1], "idle"))
        mode = M_IDLE;
    else
        usage();
    n_subs = mode == M_PUBLISH ? 0 : mode == M_IDLE ? 1000 : 100;
    if (mode == M_PUBLISH) n_pubs = 64;
    if (mode == M_IDLE) {
        count_max = 1;
        warmup = 0;
        rate = 5;
    }
    enum {
        O_HOST = 256,
        O_PORT,
        O_SPORT,
        O_TOPIC,
        O_TOPICS,
        O_PPATH,
        O_PMETH,
        O_PHDR,
        O_PUBS,
        O_SIZE,
        O_RATE,
        O_BODY,
        O_ITEM,
        O_BATCH,
        O_SEP,
        O_WINDOW,
        O_SUBS,
        O_SPATH,
        O_SMETH,
        O_SHDR,
        O_SBODY,
        O_READY,
        O_COPY,
        O_CINIT,
        O_CHDR,
        O_CJSON,
        O_DUR,
        O_WARM,
        O_COUNT,
        O_DRAIN,
        O_SETTLE,
        O_STALL,
        O_RTO,
        O_MAX,
        O_PID,
        O_PROTO,
        O_QUIET,
        O_LABEL,
        O_STRICT,
        O_INFL,
        O_SFIRST
    };
    static const struct option lo[] = {{"host", 1, 0, O_HOST},
                                       {"port", 1, 0, O_PORT},
                                       {"sub-port", 1, 0, O_SPORT},
                                       {"topic", 1, 0, O_TOPIC},
                                       {"topics", 1, 0, O_TOPICS},
                                       {"pub-path", 1, 0, O_PPATH},
                                       {"pub-method", 1, 0, O_PMETH},
                                       {"pub-header", 1, 0, O_PHDR},
                                       {"pubs", 1, 0, O_PUBS},
                                       {"size", 1, 0, O_SIZE},
                                       {"rate", 1, 0, O_RATE},
                                       {"body", 1, 0, O_BODY},
                                       {"item", 1, 0, O_ITEM},
                                       {"batch", 1, 0, O_BATCH},
                                       {"sep", 1, 0, O_SEP},
                                       {"window", 1, 0, O_WINDOW},
                                       {"subs", 1, 0, O_SUBS},
                                       {"sub-path", 1, 0, O_SPATH},
                                       {"sub-first-path", 1, 0, O_SFIRST},
                                       {"sub-method", 1, 0, O_SMETH},
                                       {"sub-header", 1, 0, O_SHDR},
                                       {"sub-body", 1, 0, O_SBODY},
                                       {"ready", 1, 0, O_READY},
                                       {"copy-header", 1, 0, O_COPY},
                                       {"cursor-init", 1, 0, O_CINIT},
                                       {"cursor-header", 1, 0, O_CHDR},
                                       {"cursor-json", 1, 0, O_CJSON},
                                       {"duration", 1, 0, O_DUR},
                                       {"warmup", 1, 0, O_WARM},
                                       {"count", 1, 0, O_COUNT},
                                       {"drain", 1, 0, O_DRAIN},
                                       {"settle", 1, 0, O_SETTLE},
                                       {"stall", 1, 0, O_STALL},
                                       {"ready-timeout", 1, 0, O_RTO},
                                       {"max-seconds", 1, 0, O_MAX},
                                       {"server-pid", 1, 0, O_PID},
                                       {"proto", 1, 0, O_PROTO},
                                       {"quiet", 0, 0, O_QUIET},
                                       {"label", 1, 0, O_LABEL},
                                       {"strict", 0, 0, O_STRICT},
                                       {"connect-inflight", 1, 0, O_INFL},
                                       {0, 0, 0, 0}};
    int o;
    optind = 2;
    while ((o = getopt_long(argc, argv, "", lo, NULL)) != -1) switch (o) {
        case O_HOST:
            host = optarg;
            break;
        case O_PORT:
            port = atoi(optarg);
            break;
        case O_SPORT:
            sub_port = atoi(optarg);
            break;
        case O_TOPIC:
            snprintf(topic, sizeof topic, "%s", optarg);
            break;
        case O_TOPICS:
            topics = (unsigned)atoi(optarg);
            break;
        case O_PPATH:
            pub_path = optarg;
            break;
        case O_PMETH:
            pub_method = optarg;
            break;
        case O_PHDR:
            add_hdr(pub_hdrs, sizeof pub_hdrs, optarg);
            break;
        case O_PUBS:
            n_pubs = (unsigned)atoi(optarg);
            break;
        case O_SIZE:
            msg_size = (unsigned)atoi(optarg);
            break;
        case O_RATE:
            rate = atof(optarg);
            break;
        case O_BODY:
            body_tpl = optarg;
            break;
        case O_ITEM:
            item_tpl = optarg;
            break;
        case O_BATCH:
            batch = (unsigned)atoi(optarg);
            break;
        case O_SEP:
            item_sep = optarg;
            break;
        case O_WINDOW:
            window_ = (unsigned)atoi(optarg);
            break;
        case O_SUBS:
            n_subs = (unsigned)atoi(optarg);
            break;
        case O_SPATH:
            sub_path = optarg;
            break;
        case O_SFIRST:
            sub_first_path = optarg;
            break;
        case O_SMETH:
            sub_method = optarg;
            break;
        case O_SHDR:
            add_hdr(sub_hdrs, sizeof sub_hdrs, optarg);
            break;
        case O_SBODY:
            sub_body = optarg;
            break;
        case O_READY:
            ready_on_headers = strcmp(optarg, "sent") != 0;
            break;
        case O_COPY: {
            char *q = strchr(optarg, '=');
            if (!q || n_copyh >= 8) die("--copy-header FROM=TO");
            snprintf(copyh[n_copyh].from, 64, "%.*s", (int)(q - optarg), optarg);
            snprintf(copyh[n_copyh++].to, 64, "%s", q + 1);
            break;
        }
        case O_CINIT:
            cursor_init = optarg;
            break;
        case O_CHDR:
            cursor_header = optarg;
            break;
        case O_CJSON:
            cursor_json = optarg;
            break;
        case O_DUR:
            duration = atof(optarg);
            break;
        case O_WARM:
            warmup = atof(optarg);
            break;
        case O_COUNT:
            count_max = strtoull(optarg, NULL, 10);
            break;
        case O_DRAIN:
            drain = atof(optarg);
            break;
        case O_SETTLE:
            settle = atof(optarg);
            break;
        case O_STALL:
            stall = atof(optarg);
            break;
        case O_RTO:
            ready_timeout = atof(optarg);
            break;
        case O_MAX:
            max_seconds = atof(optarg);
            break;
        case O_PID: {
            char *q = optarg, *tok;
            while ((tok = strsep(&q, ",")) && n_srv < 16)
                if (*tok) srv_pids[n_srv++] = atoi(tok);
            break;
        }
        case O_PROTO:
            proto = !strcmp(optarg, "nats") ? P_NATS : !strcmp(optarg, "natsjs") ? P_NATSJS : P_HTTP;
            break;
        case O_QUIET:
            quiet = true;
            break;
        case O_LABEL:
            label = optarg;
            break;
        case O_STRICT:
            strict = true;
            break;
        case O_INFL:
            connect_inflight = (unsigned)atoi(optarg);
            break;
        default:
            usage();
        }
    if (!port) die("--port is required");
    if (!topics || !n_pubs || n_pubs > 9999 || !batch || !connect_inflight) die("bad --topics/--pubs/--batch");
}
