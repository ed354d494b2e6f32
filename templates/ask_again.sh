# Asks a server that did not answer the probe once more, with patience: a busy one may be late.
# Exit 0: it is silent. 6: it answers GET /health with 200, and needs nothing.
pi={{ pi | path }}
name={{ name }}
host={{ host }}
port={{ port }}
patience={{ patience }}
find_current "$pi/servers/$name"
if ! read_record "$REPLY" || ! leader_runs; then return 0; fi

say "asking it once more"
for ((until = SECONDS + patience; SECONDS < until; )); do
  ask_health "$host" "$port" "$patience"
  if [[ $code == 200 ]]; then exit "$EXIT_ANSWERS"; fi
  sleep 1
done
say "$said"
