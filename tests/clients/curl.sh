#!/usr/bin/env bash
# curl, and what people do with it: lines through a shell. Connecting again is the script's; jq is not needed.
set -uo pipefail
url=$1 bearer=$2 after=() id="" ended=0
while [ $ended = 0 ]; do
	type=message data=""
	while IFS= read -r line; do
		case $line in
		"event: "*) type=${line#event: } ;;
		"data: "*) data=${line#data: } ;;
		"id: "*) id=${line#id: } ;;
		"")
			[ "$type" != ended ] || ended=1
			if [ -n "$data" ] && [ "$type" != heartbeat ] && [ "$type" != ended ]; then
				printf '{"type":"%s","data":%s,"id":"%s"}\n' "$type" "$data" "$id"
			fi
			[ -z "$id" ] || last=$id
			type=message data=""
			;;
		esac
	done < <(curl -sN -H "Authorization: Bearer $bearer" ${last+-H "Last-Event-ID: $last"} "$url")
done
