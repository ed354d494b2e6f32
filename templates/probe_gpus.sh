# shellcheck shell=bash disable=SC2154,SC2034,SC2329 # parts of one script: each uses what others set
# GPUs and who holds their memory, by nvidia-smi.

gpus() {
  local text code lines row links=
  ask_smi 'index,uuid,name,memory.total,memory.used,driver_version,compute_cap,mig.mode.current,ecc.errors.uncorrected.volatile.total'
  # drivers before about 510 do not know all of them
  [[ $text == *'not a valid field'* ]] && ask_smi 'index,uuid,name,memory.total,memory.used,driver_version'
  emit smi "$code"
  split "$text"
  for row in "${lines[@]}"; do emit gpu "$row"; done
  hand_over
  # beside the next question
  ((${#lines[@]} > 1)) && exec {links}< <(printf '%s\n' "$BASHPID"; exec "$smi" topo -m)
  may_be_held && apps
  [[ -z $links ]] || neighbours
  hand_over
}

hand_over() { # first how many lines: those that are known to come can be read without a time-out at every byte
  local lines
  split "$out"
  echo -n "${#lines[@]}"$'\n'"$out"
  out=
}

neighbours() { # which GPUs NVLink joins; a driver that does not tell is no gap, one that hangs is not waited for
  local pid first rows row
  read -r -u "$links" pid || return
  # it says all at once, or nothing
  IFS= read -r -t 5 -N 1 -u "$links" first || { (($? > 128)) && kill -KILL "$pid"; return; }
  mapfile -t -u "$links" rows
  for row in "$first${rows[0]}" "${rows[@]:1}"; do
    [[ $row == *GPU[0-9]* ]] && emit link "${row:0:2000}"
  done
}

ask_smi() { # fields → text, code
  text=$("$smi" --query-gpu="$1" --format=csv,noheader,nounits 2>&1)
  code=$?
}

may_be_held() { # whether a process can have memory: a CUDA context takes 100 MiB, and asking costs as much again
  local row
  for row in "${lines[@]}"; do
    [[ $row =~ ^[0-9]+,\ GPU- ]] || continue
    [[ $row =~ ,\ [0-9]+,\ ([0-9]+),\  && ${BASH_REMATCH[1]} -lt 32 ]] || return 0
  done
  return 1
}

apps() {
  local pid state parent session started
  text=$("$smi" --query-compute-apps=gpu_uuid,pid,used_memory,process_name --format=csv,noheader,nounits 2>&1) ||
    [[ $text == *GPU-* || $text == *MIG-* ]] || gap gpus 'nvidia-smi does not tell the processes'
  split "$text"
  for row in "${lines[@]}"; do
    pid=${row#*, } pid=${pid%%,*} parent=0 session=0
    [[ $pid =~ ^[0-9]+$ ]] && process "$pid"
    emit app "$parent" "$session" "$row"
  done
}

collect_gpus() {
  local patience=20 pid='' count rows block text='' deadline left code
  [[ -n $smi ]] || { emit smi none; return; }
  deadline=$((SECONDS + patience)) left=$patience
  read -r -u "$gpu_fd" pid
  while read -r -t "$left" -u "$gpu_fd" count || { code=$?; false; }; do
    ((count)) || continue
    mapfile -n "$count" -u "$gpu_fd" rows
    printf -v block %s "${rows[@]}"
    text+=$block
    left=$((deadline > SECONDS ? deadline - SECONDS : 1))
  done
  if ((code > 128)); then
    stop "$pid"
    [[ -n $text ]] || emit smi 124 "nvidia-smi did not answer within $patience s"
    gap gpus "did not end within $patience s"
  fi
  out+=$text
}
