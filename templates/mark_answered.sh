# Notes on the pod that this run of the server has answered with a token, and what is to be said of it all the same, if
# that comes on standard input.
pi={{ pi | path }}
name={{ name }}
run={{ run }}
digest={{ digest }}
note=''
IFS= read -r note || true
server=$pi/servers/$name failed_before=$server/failed
find_started "$server" "$run"
dir=$REPLY
read_record "$dir" || die "the server's record is gone"
leader_runs || die "the server's process is gone"
# what vLLM measured at this start is better than any estimate: later plans read it
measured=''
while IFS= read -r line; do measured+=${line:0:400}$'\n'; done < <({
  cat -- "$dir/server.log.head" || true
  head -c 33554432 -- "$dir/server.log"
} 2>/dev/null | grep -am 100 -e 'Model loading took ' -e 'Available KV cache memory: ' -e 'KV cache size: ' \
  -e 'Maximum concurrency for ')
if [[ -n $measured ]]; then put "$dir/measured" "$measured"; fi
# how long it took tells how long its next restart will
if read -r uptime _ </proc/uptime; then put "$server/took" "$((${uptime%.*} - started / 100))"$'\n'; fi
if [[ -f $failed_before ]]; then
  read -r failed _ <"$failed_before" || true
  if [[ $failed == "$digest" ]]; then rm -f -- "$failed_before"; fi
fi
# from now on this is what works
rm -f -- "$server/previous"
put "$dir/answered" "$leader $started${note:+$'\n'$note}"
