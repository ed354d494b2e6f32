# shellcheck shell=bash disable=SC2154,SC2034,SC2329 # parts of one script: each uses what others set
# GPUs and who holds their memory, by nvidia-smi.

ask_gpus() { # → gpu_fd: the answer comes while all else is looked at
  cells=index,uuid,name,memory.total,memory.used,driver_version
  more_cells=compute_cap,mig.mode.current,ecc.errors.uncorrected.volatile.total
  exec {gpu_fd}< <(printf '%s\n' "$BASHPID"; exec "$smi" "--query-gpu=$cells,$more_cells" --format=csv,noheader,nounits 2>&1 8<&- 9>&-)
}

collect_gpus() {
  local patience=20 known='' lines row
  [[ -n $smi ]] || { emit smi none; whole gpus; whole gpu-processes; return; }
  hear_gpus gpus || { emit smi 124 "nvidia-smi did not answer within $patience s"; return; }
  split "$REPLY"
  if are_gpus; then
    known=yes
    tell_gpus 0
    may_be_held || { whole gpu-processes; false; } || { [[ -n $topology ]] && ((${#lines[@]} > 1)); } || return
  fi
  exec {gpu_fd}< <(printf '%s\n' "$BASHPID"; exec 8<&- 9>&-; out=; ask_further)
  hear_gpus "gpu${known:+-processe}s"
  [[ $REPLY == smi* || -n $known ]] || emit smi 124 "nvidia-smi did not answer within $patience s"
  out+=$REPLY
}

hear_gpus() { # section → REPLY; fails when not all has come in time
  local pid=''
  read -r -u "$gpu_fd" pid
  hear "$patience" "$gpu_fd" -N 1000000
  (($? > 128)) || return 0
  stop "$pid"
  REPLY+=$'\n' # it may have been cut off in the middle of a line
  gap "$1" "did not end within $patience s"
  return 1
}

are_gpus() { # whether all of what was said is
  local row
  for row in "${lines[@]}"; do [[ $row =~ ^[0-9]+,\  ]] || return; done
  ((${#lines[@]}))
}

tell_gpus() { # exit code
  local row
  emit smi "$1"
  for row in "${lines[@]}"; do emit gpu "$row"; done
  whole gpus
}

ask_further() { # in a shell of its own
  local text code row links=
  if [[ -z $known ]]; then
    # once more, for the exit code; drivers before about 510 do not know all of the cells
    [[ $REPLY == *'not a valid field'* ]] || cells+=,$more_cells
    text=$("$smi" "--query-gpu=$cells" --format=csv,noheader,nounits 2>&1)
    code=$?
    split "$text"
    tell_gpus "$code"
    flush
  fi
  # beside the next question
  [[ -n $topology ]] && ((${#lines[@]} > 1)) && exec {links}< <(printf '%s\n' "$BASHPID"; exec "$smi" topo -m)
  if may_be_held; then apps; else whole gpu-processes; fi
  [[ -z $links ]] || neighbors
  flush
}

neighbors() { # which GPUs NVLink joins; a driver that does not tell is no gap, one that hangs is not waited for
  local pid first rows row
  read -r -u "$links" pid || return
  # it says all at once, or nothing
  IFS= read -r -t 5 -N 1 -u "$links" first || { (($? > 128)) && stop "$pid"; return; }
  mapfile -t -u "$links" rows
  for row in "$first${rows[0]}" "${rows[@]:1}"; do
    [[ $row == *GPU[0-9]* ]] && emit link "${row:0:2000}"
  done
}

may_be_held() { # whether a process can have memory: a CUDA context takes 100 MiB, and asking costs as much again
  local row
  for row in "${lines[@]}"; do
    [[ $row =~ ^[0-9]+,\  ]] || continue
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
    [[ $pid =~ ^[0-9]+$ ]] && read_stat "$pid"
    emit app "$parent" "$session" "$row"
  done
  whole gpu-processes
}
