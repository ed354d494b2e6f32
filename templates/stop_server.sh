# Ends a server, everything it started and what was started beside it; its record and its log stay.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
name={{ name }}

pi=$(expand "$pi")
dir=$pi/servers/$name
if [[ ! -d $dir ]]; then return 0; fi
# a disk that can't be written to is no reason to let it run on
marked=$({ : >"$dir/stopped"; } 2>&1) || caution "that it was stopped could not be noted on the pod: ${marked##*: }"
end_beside "$pi" "$name"
end_session "$dir"
rm -f -- "$dir/answered" 2>/dev/null || true
