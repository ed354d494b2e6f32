# Prints the newest lines of the pod's journal, the newest last.
pi={{ pi | path }}
count={{ count }}
files=()
for file in "$pi/journal.jsonl.1" "$pi/journal.jsonl"; do
  if [[ -f $file ]]; then files+=("$file"); fi
done
if ((${#files[@]})); then cat -- "${files[@]}" | tail -n "$count"; fi
