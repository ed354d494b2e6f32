# Ends a server, everything it started and what was started beside it; its record and its log stay.
pi={{ pi | path }}
name={{ name }}
server=$pi/servers/$name
if [[ ! -d $server ]]; then
  end_runs "$server"
  forget "$server"
  return 0
fi
# a disk that can't be written to is no reason to let it run on
marked=$({ : >"$server/stopped"; } 2>&1) || caution "that it was stopped could not be noted on the pod: ${marked##*: }"
end_runs "$server"
