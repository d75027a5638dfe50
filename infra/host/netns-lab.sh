#!/bin/sh
# netns-lab.sh up|down: an "internet" to test a host from outside, on the host itself. The network namespace
# bellows-internet is joined to the host by a veth pair, whose host end `bellows-up` serves as --uplink.
#   up            routed: the namespace sends 203.0.113.0/24 to the host, as a provider's router would
#   up bridged    the namespace holds 203.0.113.254/24 and asks by ARP for each address
# Documentation ranges only (RFC 5737). Daemons must enter by `nsenter --net=/run/netns/bellows-internet`,
# since `ip netns exec` mounts a /sys of its own, without the cgroups.
set -eu
NS=bellows-internet HOST=bellows-up PEER=bellows-in
down() { ip netns del $NS 2>/dev/null || true; ip link del $HOST 2>/dev/null || true; }
case "${1:-}" in
  up)
    down
    ip netns add $NS
    ip link add $HOST type veth peer name $PEER netns $NS
    echo 0 > "/proc/sys/net/ipv4/neigh/$HOST/proxy_delay"
    ip addr add 198.51.100.1/24 dev $HOST
    ip link set $HOST up
    ip -n $NS link set lo up
    ip -n $NS addr add 198.51.100.2/24 dev $PEER
    ip -n $NS link set $PEER up
    case "${2:-routed}" in
      routed) ip -n $NS route add 203.0.113.0/24 via 198.51.100.1 ;;
      bridged) ip -n $NS addr add 203.0.113.254/24 dev $PEER; ip route add 203.0.113.254/32 dev $HOST ;;
      *) echo "netns-lab: mode $2?" >&2; exit 2 ;;
    esac
    ;;
  down) down ;;
  *) echo 'usage: netns-lab.sh up [routed|bridged] | down' >&2; exit 2 ;;
esac
