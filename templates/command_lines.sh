# Prints the command lines of processes: `pid<TAB>word`, one word a line, control characters as blanks.
pids=({{ pids | words }})

for pid in "${pids[@]}"; do
  # it may have ended meanwhile, or hang in a driver
  words=()
  while IFS= read -r -t 2 -d '' word; do words+=("$word"); done 2>/dev/null <"/proc/$pid/cmdline" || true
  for word in "${words[@]}"; do printf '%s\t%s\n' "$pid" "${word//[[:cntrl:]]/ }"; done
done
