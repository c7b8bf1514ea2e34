#!/bin/sh
# Makes a container of the devices' network what a pod is, as far as it asks others: its ways, its names and, for one on the
# mesh, what its proxy starts from.
#   RANGES    the cluster's ranges, in words       NODE     the node that leads there
#   SEARCH    domains of short names, in words     RULES    what iptables-restore takes
#   IDENTITY  the name that its proxy proves; empty where it has none. DIRECTORY holds a token then, and is in memory.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
proxy_uid=2102

for range in $RANGES; do ip route replace "$range" via "$NODE"; done
# Docker's own resolver asks no server outside for a container of an internal network.
printf 'nameserver %s\nsearch %s\noptions ndots:5\n' "$NODE" "$SEARCH" >/etc/resolv.conf
printf '%s\n' "$RULES" | iptables-restore -w 10 --noflush
[ -n "$IDENTITY" ] || exit 0

umask 077
cd "$DIRECTORY"
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem
openssl req -new -key key.pem -subj / -addext "subjectAltName=DNS:$IDENTITY" -outform DER -out csr.der
openssl pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.p8
rm key.pem
chown -R "$proxy_uid:$proxy_uid" .
