#!/bin/bash
# nginx with nchan on loopback: the peers. Usage: nginx.sh WORKERS PORT      prints the master's pid
#   POST /pub/TOPIC   nchan publish          GET /lp/TOPIC   nchan long poll
#   POST /static200   a fixed 200: what an HTTP server can do that does nothing
set -eu
workers=$1 port=$2
state=${BENCH_STATE:?}/nginx-$workers
files=$(ulimit -Hn)
mkdir -p "$state/temporary"
ulimit -n "$files"
user=""
[ "$(id -u)" = 0 ] && user="user root;"
cat > "$state/nginx.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
$user
worker_processes $workers;
worker_rlimit_nofile $files;
pid $state/pid;
error_log $state/error.log error;
daemon on;
events { worker_connections 19000; multi_accept on; accept_mutex off; use epoll; }
http {
    access_log off; tcp_nodelay on; server_tokens off;
    keepalive_timeout 3600s; keepalive_requests 1000000000; client_max_body_size 16m;
    client_body_temp_path $state/temporary/body; proxy_temp_path $state/temporary/proxy;
    fastcgi_temp_path $state/temporary/fastcgi; uwsgi_temp_path $state/temporary/uwsgi;
    scgi_temp_path $state/temporary/scgi;
    nchan_shared_memory_size 1024M;
    nchan_message_buffer_length 10000; nchan_message_timeout 5m;
    server {
        listen 127.0.0.1:$port reuseport backlog=4096;
        location = /static200 { default_type text/plain; return 200 "ok\n"; }
        location ~ ^/pub/(\w+)\$ { nchan_publisher http; nchan_channel_id \$1; }
        location ~ ^/sse/(\w+)\$ { nchan_subscriber eventsource; nchan_channel_id \$1; }
        location ~ ^/lp/(\w+)\$  { nchan_subscriber longpoll; nchan_channel_id \$1; nchan_subscriber_timeout 60; }
    }
}
CONF
nginx -p "$state" -c "$state/nginx.conf" -e "$state/error.log" </dev/null >"$state/output.log" 2>&1
for _ in $(seq 100); do
    if [ -s "$state/pid" ] && curl -sf -o /dev/null "http://127.0.0.1:$port/static200"; then
        cat "$state/pid"
        exit 0
    fi
    sleep 0.05
done
echo "nginx.sh: no answer on port $port" >&2
cat "$state/error.log" "$state/output.log" >&2
exit 1
